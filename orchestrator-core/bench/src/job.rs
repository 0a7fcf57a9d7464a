//! The job that every queue is given.

/// What every handler answers with.
pub const OUTPUT: &str = r#"{"ok":true}"#;

/// What fills a body up. Made once: making bodies is no queue's work.
const FILLING: &str = "\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// The input of job `number`: 200 bytes of JSON.
pub fn body(number: usize) -> String {
    format!(r#"{{"number":"{number:010}","kind":"noop","agent":"bench","text":"{FILLING}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_body_is_200_bytes_of_json() {
        assert_eq!(body(7).len(), 200);
        assert!(serde_json::from_str::<serde_json::Value>(&body(7)).is_ok());
    }
}
