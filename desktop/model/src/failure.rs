//! Why something that was asked for did not come.

/// What kind of failure it is: it decides what a person can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The address is none, or the file behind it cannot be used.
    Address,
    /// No server answers.
    Unreachable,
    /// The token is missing, wrong, or may not do this.
    Denied,
    /// What was asked about does not exist, or no more.
    Missing,
    /// The server refused: the request, or the moment, is wrong.
    Refused,
    /// Something answers that is not a server of ours, or one of another version.
    Strange,
}

/// Why something that was asked for did not come, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, in one line.
    pub message: String,
    /// Which fields of the request are wrong and why; empty where that is not the reason.
    pub fields: Vec<(String, String)>,
}

impl Failure {
    /// A failure without wrong fields.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// A few words: the kind.
    pub const fn title(&self) -> &'static str {
        match self.kind {
            FailureKind::Address => "This cannot be opened",
            FailureKind::Unreachable => "The server cannot be reached",
            FailureKind::Denied => "The server does not let you in",
            FailureKind::Missing => "It does not exist any more",
            FailureKind::Refused => "The server refused",
            FailureKind::Strange => "The server speaks another language",
        }
    }

    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self.kind {
            FailureKind::Unreachable => {
                "It is tried again by itself. Check that the server runs and that its address is right."
            }
            FailureKind::Address => "Choose another server or file under Settings.",
            FailureKind::Denied => "Check the token under Settings, and that its role allows this.",
            FailureKind::Missing => "It may have been removed by retention. Go back to the list.",
            FailureKind::Refused => "Change what is named and try again.",
            FailureKind::Strange => "Check the address, and that app and server are of the same version.",
        }
    }

    /// What is wrong with one field of the request, if it is that.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, message)| message.as_str())
    }
}
