//! From bytes to text: UTF-8, UTF-16 with a byte order mark, Latin-1, or not text at all.

/// How a text was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16,
    /// Something with one byte a character. Read as Latin-1: letters beyond ASCII may be wrong, lines are right.
    Latin1,
}

/// What the bytes of a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Text. Offsets and columns are of this text, not of the bytes.
    Text(String, Encoding),
    /// Not text.
    Binary,
}

/// Zero bytes are looked for in this many first bytes, as git does.
const SNIFFED: usize = 8_000;

/// Turns the bytes of a file into text where that makes sense.
pub fn decode(bytes: &[u8]) -> Decoded {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => return decode_bytes(rest),
        [0xFF, 0xFE, rest @ ..] => return decode_utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return decode_utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    decode_bytes(bytes)
}

fn decode_bytes(bytes: &[u8]) -> Decoded {
    let sniffed = &bytes[..bytes.len().min(SNIFFED)];
    if sniffed.contains(&0) {
        return Decoded::Binary;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded::Text(text.to_owned(), Encoding::Utf8);
    }
    // Text in an old encoding has hardly any control characters and is mostly ASCII; compressed data has both wrong.
    let controls = sniffed
        .iter()
        .filter(|byte| **byte < 32 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 12 | 27))
        .count();
    let foreign = sniffed.iter().filter(|byte| **byte >= 128).count();
    if controls * 100 > sniffed.len() || foreign * 2 > sniffed.len() {
        return Decoded::Binary;
    }
    Decoded::Text(bytes.iter().map(|byte| char::from(*byte)).collect(), Encoding::Latin1)
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    match char::decode_utf16(units).collect::<Result<String, _>>() {
        Ok(text) if !text.contains('\0') => Decoded::Text(text, Encoding::Utf16),
        _ => Decoded::Binary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_is_recognised() {
        let text = |text: &str, encoding| Decoded::Text(text.to_owned(), encoding);
        assert_eq!(decode("größe\n".as_bytes()), text("größe\n", Encoding::Utf8));
        assert_eq!(decode(b"\xEF\xBB\xBFx = 1"), text("x = 1", Encoding::Utf8));
        assert_eq!(
            decode(b"# gr\xF6\xDFe\nx = 1\n"),
            text("# größe\nx = 1\n", Encoding::Latin1)
        );
        assert_eq!(decode(b"\xFF\xFEa\0\n\0"), text("a\n", Encoding::Utf16));
        assert_eq!(decode(b"\xFE\xFF\0a"), text("a", Encoding::Utf16));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0"), Decoded::Binary);
        assert_eq!(decode(b"\x01\x02\x03\xff\xfe\xfd"), Decoded::Binary);
        assert_eq!(decode(b""), text("", Encoding::Utf8));
    }

    proptest! {
        #[test]
        fn any_bytes_are_something(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
