//! Smaller forms of files.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

/// How much work is put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// What does for a test.
    Little,
    /// All there is: it is done once, and loaded often.
    Full,
}

/// As Brotli.
pub(crate) fn brotli(bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
    let quality = if effort == Effort::Full { 11 } else { 4 };
    let mut small = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut small, 1 << 16, quality, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(small)
}

/// As Gzip.
pub(crate) fn gzip(bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
    let level = if effort == Effort::Full {
        Compression::best()
    } else {
        Compression::fast()
    };
    let mut writer = GzEncoder::new(Vec::new(), level);
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
        for effort in [Effort::Little, Effort::Full] {
            let mut back = Vec::new();
            let small = brotli(&text, effort).expect("Brotli");
            brotli::Decompressor::new(&small[..], 4096)
                .read_to_end(&mut back)
                .expect("the text");
            assert!(back == text && small.len() < text.len() / 10);
            back.clear();
            let small = gzip(&text, effort).expect("Gzip");
            flate2::read::GzDecoder::new(&small[..])
                .read_to_end(&mut back)
                .expect("the text");
            assert!(back == text && small.len() < text.len() / 10);
        }
    }
}
