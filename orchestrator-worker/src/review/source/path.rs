//! A file's path inside the reviewed repository, as text that survives JSON and every file name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A relative path with `/` between its parts, printable and reversible.
///
/// File names on Unix are bytes: they may hold newlines, and need not be UTF-8. Those bytes, and the backslash itself,
/// are written as `\n`, `\xFF` and `\\`, so one path is one line in a report and still opens the right file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoPath(String);

impl RepoPath {
    /// The path that git or the file system calls `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut out = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    c if c.is_control() => c.to_string().bytes().for_each(|byte| push_hex(&mut out, byte)),
                    c => out.push(c),
                }
            }
            chunk.invalid().iter().for_each(|byte| push_hex(&mut out, *byte));
        }
        Self(out)
    }

    /// The path that the file system calls `path`, which must be relative to the repository.
    pub fn from_path(path: &Path) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            Self::from_bytes(path.as_os_str().as_bytes())
        }
        #[cfg(not(unix))]
        {
            Self::from_bytes(path.to_string_lossy().replace('\\', "/").as_bytes())
        }
    }

    /// The bytes that [`from_bytes`](Self::from_bytes) was given.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match rest {
                [b'n', tail @ ..] => {
                    out.push(b'\n');
                    rest = tail;
                }
                [b'x', high, low, tail @ ..] => {
                    out.push(hex(*high) * 16 + hex(*low));
                    rest = tail;
                }
                [_, tail @ ..] => {
                    out.push(b'\\');
                    rest = tail;
                }
                [] => out.push(b'\\'),
            }
        }
        out
    }

    /// The path for the file system, relative to the repository.
    pub fn to_path(&self) -> PathBuf {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            PathBuf::from(OsString::from_vec(self.to_bytes()))
        }
        #[cfg(not(unix))]
        {
            PathBuf::from(OsString::from(String::from_utf8_lossy(&self.to_bytes()).into_owned()))
        }
    }

    /// The printable form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the repository itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The part after the last `/`.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folders above the file, outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0
            .rsplit_once('/')
            .map_or("", |(folders, _)| folders)
            .split('/')
            .filter(|part| !part.is_empty())
    }

    /// The path of the folder that holds the file; empty at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The file name's last extension in lower case; empty when it has none.
    pub fn extension(&self) -> String {
        match self.name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl std::fmt::Display for RepoPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push_str("\\x");
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["src/main.rs", "a b/ü 名.py", ".gitignore"] {
            assert_eq!(RepoPath::from(name).as_str(), name);
        }
        assert_eq!(RepoPath::from_bytes(b"a\nb\\c\xff").as_str(), "a\\nb\\\\c\\xFF");
    }

    #[test]
    fn parts() {
        let path = RepoPath::from("src/deep/Main.TAR.GZ");
        assert_eq!(
            (path.name(), path.extension().as_str(), path.folder()),
            ("Main.TAR.GZ", "gz", "src/deep")
        );
        assert_eq!(path.folders().collect::<Vec<_>>(), ["src", "deep"]);
        assert_eq!(RepoPath::from(".env").extension(), "");
        assert_eq!(RepoPath::from("x").folders().count(), 0);
    }

    proptest! {
        #[test]
        fn every_name_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let path = RepoPath::from_bytes(&bytes);
            prop_assert!(!path.as_str().contains('\n'));
            prop_assert_eq!(path.to_bytes(), bytes);
        }

        #[test]
        fn odd_escapes_do_not_panic(text in "[\\\\xn0-9a-z]{0,12}") {
            let path: RepoPath = serde_json::from_value(serde_json::Value::String(text)).unwrap();
            let _ = path.to_bytes();
        }
    }
}
