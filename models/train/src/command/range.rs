//! Sizes as they are written: `416`, or `320..416` in steps of 32.

use std::str::FromStr;

/// Distance of the sizes in a range: what the strides of usual networks divide.
const STEP: usize = 32;

/// Some sizes of a square input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sizes(pub(super) Vec<usize>);

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        let number = |text: &str| match text.parse::<usize>() {
            Ok(number) if number > 0 && number <= 4096 => Ok(number),
            _ => Err(format!("{text:?} is no size; write 416 or 320..416")),
        };
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(format!("{first} is above {last}"));
        }
        Ok(Sizes((first..=last).step_by(STEP).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ranges() {
        assert_eq!("416".parse(), Ok(Sizes(vec![416])));
        assert_eq!("320..416".parse(), Ok(Sizes(vec![320, 352, 384, 416])));
        for wrong in ["", "0", "416..320", "a..b", "99999"] {
            assert!(wrong.parse::<Sizes>().is_err(), "{wrong}");
        }
    }
}
