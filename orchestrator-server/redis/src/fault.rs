//! What Redis's errors mean to operators, in words that may be shown.

use orchestrator_core::bus::relay::Broken;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What an error means. `secret` is the password, which must not be shown whoever repeats it.
pub(crate) fn of(error: &RedisError, secret: Option<&str>) -> Broken {
    let words = match error.kind() {
        ErrorKind::AuthenticationFailed => {
            "Redis does not let us in; check the user and the password of the URL".to_owned()
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            "Redis does not let us do what we need; grant the user the channels and keys of our prefix".to_owned()
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => {
            "this Redis is a replica; give the URL of its master".to_owned()
        }
        _ if error.code() == Some("NOAUTH") => {
            "Redis asks for a password; give it in the URL: redis://:PASSWORD@HOST".to_owned()
        }
        _ => format!("Redis cannot be reached: {error}"),
    };
    Broken(without(words, secret))
}

fn without(words: String, secret: Option<&str>) -> String {
    match secret {
        Some(secret) if !secret.is_empty() => words.replace(secret, "***"),
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_repeated() {
        let error = RedisError::from((ErrorKind::Client, "said", "the password is opensesame".to_owned()));
        let Broken(words) = of(&error, Some("opensesame"));
        assert!(words.contains("the password is ***"), "{words}");
        let error = RedisError::from((ErrorKind::AuthenticationFailed, "opensesame is wrong"));
        let Broken(words) = of(&error, Some("opensesame"));
        assert!(words.contains("check the user and the password"), "{words}");
    }
}
