//! In which form the bytes of a file are sent.

/// In which form the bytes of a file are sent, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// Brotli. Browsers take it over TLS and from their own machine.
    Brotli,
    /// Gzip.
    Gzip,
    /// As they are.
    Identity,
}

impl Encoding {
    /// What it is called in a header; none for bytes as they are.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// The name of the file that a file is a form of, and which form it is.
    pub(crate) fn of_name(name: &str) -> (&str, Self) {
        let stripped = |ending, encoding| Some((name.strip_suffix(ending)?, encoding));
        stripped(".br", Self::Brotli)
            .or_else(|| stripped(".gz", Self::Gzip))
            .unwrap_or((name, Self::Identity))
    }

    /// Whether whoever sent this `Accept-Encoding` takes it.
    pub(crate) fn is_accepted(self, accepted: Option<&str>) -> bool {
        let Some(wanted) = self.name() else {
            return true;
        };
        let mut star = false;
        for part in accepted.unwrap_or_default().split(',') {
            let (name, quality) = part.split_once(';').unwrap_or((part, ""));
            let quality = quality.trim().strip_prefix("q=").unwrap_or("1");
            let takes = quality.trim().parse::<f32>().is_ok_and(|quality| quality > 0.0);
            match name.trim() {
                name if name.eq_ignore_ascii_case(wanted) => return takes,
                "*" => star = takes,
                _ => {}
            }
        }
        star
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted() {
        for (accepted, brotli, gzip) in [
            (Some("gzip, deflate, br, zstd"), true, true),
            (Some("gzip, deflate"), false, true),
            (Some("br;q=0, *"), false, true),
            (Some("BR;q=0.5,gzip;q=0.0"), true, false),
            (Some("*;q=0"), false, false),
            (Some("identity"), false, false),
            (Some(""), false, false),
            (None, false, false),
        ] {
            assert_eq!(Encoding::Brotli.is_accepted(accepted), brotli, "{accepted:?}");
            assert_eq!(Encoding::Gzip.is_accepted(accepted), gzip, "{accepted:?}");
            assert!(Encoding::Identity.is_accepted(accepted));
        }
    }
}
