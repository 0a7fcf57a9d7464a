//! What a model costs.

use std::{fmt, str::FromStr};

use orchestrator_core::protocol::Usd;
use serde::{Deserialize, Serialize};

/// What a model costs, in US dollars for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// What it reads.
    pub input: f64,
    /// What it reads and had cached.
    pub cached: f64,
    /// What it writes.
    pub output: f64,
}

impl Price {
    /// What tokens cost.
    pub fn of(&self, input: u64, cached: u64, output: u64) -> Usd {
        let fresh = input.saturating_sub(cached);
        let dollars = fresh as f64 * self.input + cached as f64 * self.cached + output as f64 * self.output;
        Usd::from_dollars(dollars / 1e6)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.input, self.output, self.cached)
    }
}

/// `INPUT:OUTPUT` or `INPUT:OUTPUT:CACHED`, in US dollars for a million tokens. What was cached costs as much as what was
/// not, unless it is said.
impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let amount = |part: &str| match part.trim().parse::<f64>() {
            Ok(dollars) if dollars.is_finite() && dollars >= 0.0 => Ok(dollars),
            _ => Err(format!("`{part}` is not an amount in USD, from 0 on")),
        };
        let amounts = text.split(':').map(amount).collect::<Result<Vec<f64>, String>>()?;
        let (input, output, cached) = match amounts[..] {
            [input, output] => (input, output, input),
            [input, output, cached] => (input, output, cached),
            _ => {
                return Err(
                    "say what a million tokens cost in USD as INPUT:OUTPUT, like 0.25:2, or INPUT:OUTPUT:CACHED"
                        .to_owned(),
                );
            }
        };
        Ok(Self { input, cached, output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_and_written() {
        let price = Price {
            input: 0.25,
            cached: 0.25,
            output: 2.0,
        };
        assert_eq!("0.25:2".parse(), Ok(price));
        assert_eq!(price.to_string().parse(), Ok(price));
        assert_eq!(
            "1:2:0.1".parse(),
            Ok(Price {
                input: 1.0,
                cached: 0.1,
                output: 2.0
            })
        );
        for nonsense in ["", "1", "1:2:3:4", "a:b", "-1:2", "1:NaN", "1:inf"] {
            assert!(nonsense.parse::<Price>().is_err(), "{nonsense}");
        }
    }
}
