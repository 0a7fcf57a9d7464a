//! A picture, and what of it is not shown yet. Pure: it runs wherever it is tested.

use std::ops::Range;

/// How a pixel is drawn: `0x00RRGGBB`.
pub(crate) type Pixel = u32;

/// A part of a picture, in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// What is drawn, and what was shown of it last.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    width: usize,
    drawn: Vec<Pixel>,
    shown: Vec<Pixel>,
    /// None of it is shown: the canvas is new.
    is_new: bool,
    bytes: Vec<u8>,
}

impl Picture {
    /// Another size: all of it has to be drawn, and shown. The same size changes nothing.
    pub(crate) fn resize(&mut self, width: usize, height: usize) -> bool {
        if (width, width * height) == (self.width, self.drawn.len()) {
            return false;
        }
        self.width = width;
        for pixels in [&mut self.drawn, &mut self.shown] {
            pixels.clear();
            pixels.resize(width * height, 0);
        }
        self.is_new = true;
        true
    }

    pub(crate) fn pixels(&self) -> &[Pixel] {
        &self.drawn
    }

    pub(crate) fn pixels_mut(&mut self) -> &mut [Pixel] {
        &mut self.drawn
    }

    /// What has changed since it was shown last, as a canvas takes it: red, green, blue, and that nothing shines through.
    /// From now on it counts as shown.
    pub(crate) fn show(&mut self) -> Option<(Area, &[u8])> {
        let area = if self.is_new { self.whole() } else { self.changed() }?;
        self.is_new = false;
        self.bytes.resize(area.columns.len() * area.rows.len() * 4, 0);
        let into = self.bytes.chunks_exact_mut(area.columns.len() * 4);
        for (into, row) in into.zip(area.rows.clone()) {
            let row = row * self.width + area.columns.start..row * self.width + area.columns.end;
            let drawn = &self.drawn[row.clone()];
            self.shown[row].copy_from_slice(drawn);
            for (bytes, pixel) in into.chunks_exact_mut(4).zip(drawn) {
                let [_, red, green, blue] = pixel.to_be_bytes();
                bytes.copy_from_slice(&[red, green, blue, u8::MAX]);
            }
        }
        Some((area, &self.bytes))
    }

    fn whole(&self) -> Option<Area> {
        (!self.drawn.is_empty()).then(|| Area {
            columns: 0..self.width,
            rows: 0..self.drawn.len() / self.width,
        })
    }

    /// The smallest part outside of which nothing has changed.
    fn changed(&self) -> Option<Area> {
        let width = self.width.max(1);
        let mut area: Option<Area> = None;
        let both = self.drawn.chunks_exact(width).zip(self.shown.chunks_exact(width));
        for (row, (drawn, shown)) in both.enumerate() {
            if are_equal(drawn, shown) {
                continue;
            }
            // From both sides.
            let first = drawn.iter().zip(shown).position(|(drawn, shown)| drawn != shown);
            let last = drawn.iter().zip(shown).rposition(|(drawn, shown)| drawn != shown);
            let (Some(first), Some(last)) = (first, last) else {
                continue;
            };
            let before = area.unwrap_or(Area {
                columns: first..last,
                rows: row..row,
            });
            area = Some(Area {
                columns: before.columns.start.min(first)..before.columns.end.max(last + 1),
                rows: before.rows.start..row + 1,
            });
        }
        area
    }
}

/// Without a branch for each pixel, so that several are compared at once.
fn are_equal(one: &[Pixel], other: &[Pixel]) -> bool {
    one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(width: usize, height: usize) -> Picture {
        let mut picture = Picture::default();
        assert!(picture.resize(width, height));
        picture
    }

    #[test]
    fn a_new_picture_is_shown_whole() {
        let mut picture = picture(3, 2);
        picture.pixels_mut()[4] = 0x0012_3456;
        let (area, bytes) = picture.show().expect("it is new");
        assert_eq!((area.columns, area.rows), (0..3, 0..2));
        assert_eq!(bytes[0..4], [0, 0, 0, 255]);
        assert_eq!(bytes[16..20], [0x12, 0x34, 0x56, 255]);
    }

    #[test]
    fn what_has_not_changed_is_not_shown_again() {
        let mut picture = picture(4, 4);
        picture.show();
        assert!(picture.show().is_none());
        picture.pixels_mut()[2 * 4 + 1] = 7;
        picture.pixels_mut()[3 * 4 + 2] = 9;
        let (area, bytes) = picture.show().expect("it has changed");
        assert_eq!((area.columns, area.rows), (1..3, 2..4));
        assert_eq!(bytes, [0, 0, 7, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 9, 255]);
        assert!(picture.show().is_none());
    }

    #[test]
    fn the_same_size_keeps_what_is_there() {
        let mut picture = picture(2, 2);
        picture.pixels_mut()[3] = 1;
        picture.show();
        assert!(!picture.resize(2, 2));
        assert!(picture.show().is_none() && picture.pixels()[3] == 1);
        assert!(picture.resize(4, 1), "as many pixels, and another picture");
        assert!(picture.show().is_some() && picture.pixels()[3] == 0);
    }

    #[test]
    fn a_picture_of_nothing_shows_nothing() {
        assert!(Picture::default().show().is_none());
    }

    proptest! {
        /// A canvas that is given what changed always has what was drawn.
        #[test]
        fn a_canvas_has_what_was_drawn(
            (width, height) in (1_usize..9, 1_usize..9),
            drawn in prop::collection::vec(prop::collection::vec((0_usize..81, 0_u32..3), 0..6), 1..6),
        ) {
            let mut picture = picture(width, height);
            let mut canvas = vec![[9_u8; 4]; width * height];
            for changes in drawn {
                for (at, pixel) in changes {
                    picture.pixels_mut()[at % (width * height)] = pixel;
                }
                if let Some((area, bytes)) = picture.show() {
                    let mut bytes = bytes.chunks_exact(4);
                    for row in area.rows {
                        for column in area.columns.clone() {
                            canvas[row * width + column].copy_from_slice(bytes.next().expect("a pixel"));
                        }
                    }
                    prop_assert!(bytes.next().is_none());
                }
                for (canvas, pixel) in canvas.iter().zip(picture.pixels()) {
                    let [_, red, green, blue] = pixel.to_be_bytes();
                    prop_assert_eq!(*canvas, [red, green, blue, 255]);
                }
            }
        }
    }
}
