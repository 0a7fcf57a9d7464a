//! Pictures, small enough to be kept with the code.

use anyhow::{Context, Result};

use crate::look::Size;

/// The most colours that a picture has: what an interface needs, and a third of the bytes.
const COLOURS: usize = 256;

/// A picture as red, green and blue of each pixel.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    /// Reads a PNG.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info()?;
        let mut buffer = vec![0; reader.output_buffer_size().context("a picture of a size")?];
        let info = reader.next_frame(&mut buffer)?;
        let samples = info.color_type.samples();
        let pixels = buffer[..info.buffer_size()]
            .chunks_exact(samples)
            .flat_map(|pixel| {
                if samples >= 3 {
                    [pixel[0], pixel[1], pixel[2]]
                } else {
                    [pixel[0]; 3]
                }
            })
            .collect();
        Ok(Self {
            size: Size {
                width: info.width,
                height: info.height,
            },
            pixels,
        })
    }

    /// Writes it as a PNG with few colours, where it has few or can do with few.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        let (palette, indices) = self.few_colours();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        encoder.write_header()?.write_image_data(&indices)?;
        Ok(bytes)
    }

    /// The colours that it has most of, and for each pixel the nearest of them.
    fn few_colours(&self) -> (Vec<u8>, Vec<u8>) {
        let mut counts = std::collections::HashMap::<[u8; 3], usize>::new();
        for pixel in self.pixels.chunks_exact(3) {
            *counts.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
        let mut colours: Vec<([u8; 3], usize)> = counts.into_iter().collect();
        colours.sort_unstable_by_key(|(colour, count)| (std::cmp::Reverse(*count), *colour));
        // Colours that are nearly one give room to others: the seldom ones are what charts and states are told by.
        let mut kept: Vec<[u8; 3]> = Vec::new();
        for nearness in [24, 12, 6, 0] {
            for (colour, _) in &colours {
                if kept.len() < COLOURS && kept.iter().all(|other| distance(*other, *colour) > nearness) {
                    kept.push(*colour);
                }
            }
        }
        let mut nearest = std::collections::HashMap::<[u8; 3], u8>::new();
        let indices = self
            .pixels
            .chunks_exact(3)
            .map(|pixel| {
                let colour = [pixel[0], pixel[1], pixel[2]];
                *nearest.entry(colour).or_insert_with(|| {
                    let best = kept
                        .iter()
                        .enumerate()
                        .min_by_key(|(_, other)| distance(**other, colour));
                    best.map_or(0, |(n, _)| n as u8)
                })
            })
            .collect();
        (kept.concat(), indices)
    }
}

/// How different two colours are.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_come_back_as_they_were_and_many_nearly() {
        let picture = |colour: fn(u32) -> [u8; 3]| Picture {
            size: Size { width: 64, height: 64 },
            pixels: (0..64 * 64).flat_map(colour).collect(),
        };
        let few = picture(|n| [(n % 5) as u8 * 50, 7, 200]);
        let back = Picture::read(&few.write().expect("a PNG")).expect("a picture");
        assert!(back == few);
        let many = picture(|n| [n as u8, (n / 16) as u8, 0]);
        let back = Picture::read(&many.write().expect("a PNG")).expect("a picture");
        let worst = many.pixels.iter().zip(&back.pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst.is_some_and(|worst| worst < 40), "{worst:?}");
    }
}
