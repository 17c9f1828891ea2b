//! Functions of single numbers: what operators between layers do, one after the other.

use tincy_network::Activation;

/// A function of one number, with constants of type `P`: a tensor of the file, or a list by channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<P> {
    /// x + c
    Add(P),
    /// x * c
    Multiply(P),
    /// x / c
    Divide(P),
    /// The nearest number within limits.
    Clip(f32, f32),
    /// A whole number near x.
    Round(Rounding),
    /// 1 from zero on, -1 below.
    Sign,
    /// The number of thresholds that x reaches.
    Count {
        /// Lists of thresholds, one for each channel or one for all.
        lists: usize,
        /// `[lists][n]`, in any order.
        values: Vec<f32>,
    },
    /// One of the activations.
    Function(Activation),
}

/// Which whole number is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rounding {
    /// The nearest, of two the even one.
    HalfEven,
    /// The next one up.
    Ceil,
    /// The next one down.
    Floor,
    /// The next one away from zero.
    Up,
    /// The next one towards zero.
    Down,
    /// The nearest, of two the one away from zero.
    HalfUp,
    /// The nearest, of two the one towards zero.
    HalfDown,
}

impl Rounding {
    /// By QONNX's name.
    pub(super) fn named(name: &str) -> Option<Rounding> {
        Some(match name.to_ascii_uppercase().as_str() {
            "ROUND" | "HALF_EVEN" => Rounding::HalfEven,
            "CEIL" => Rounding::Ceil,
            "FLOOR" => Rounding::Floor,
            "UP" => Rounding::Up,
            "DOWN" => Rounding::Down,
            "HALF_UP" => Rounding::HalfUp,
            "HALF_DOWN" => Rounding::HalfDown,
            _ => return None,
        })
    }

    pub(super) fn apply(self, x: f32) -> f32 {
        match self {
            Rounding::HalfEven => x.round_ties_even(),
            Rounding::Ceil => x.ceil(),
            Rounding::Floor => x.floor(),
            Rounding::Up => x.abs().ceil().copysign(x),
            Rounding::Down => x.trunc(),
            Rounding::HalfUp => (x.abs() + 0.5).floor().copysign(x),
            // Of 0 it is -1 times the sign of 0.
            Rounding::HalfDown => (x.abs() - 0.5).ceil().max(0.0).copysign(x),
        }
    }
}

impl<P> Step<P> {
    /// Whether it has few values where its argument is bounded.
    pub(super) fn is_discrete(&self) -> bool {
        matches!(self, Step::Round(_) | Step::Sign | Step::Count { .. })
    }

    /// The same with other constants.
    pub(super) fn map<Q, E>(
        self,
        mut constant: impl FnMut(P) -> Result<Q, E>,
    ) -> Result<Step<Q>, E> {
        Ok(match self {
            Step::Add(c) => Step::Add(constant(c)?),
            Step::Multiply(c) => Step::Multiply(constant(c)?),
            Step::Divide(c) => Step::Divide(constant(c)?),
            Step::Clip(low, high) => Step::Clip(low, high),
            Step::Round(rounding) => Step::Round(rounding),
            Step::Sign => Step::Sign,
            Step::Count { lists, values } => Step::Count { lists, values },
            Step::Function(activation) => Step::Function(activation),
        })
    }
}

impl Step<f32> {
    /// The function, in f32 as the file's executor computes it.
    pub(super) fn apply(&self, x: f32) -> f32 {
        match self {
            Step::Add(c) => x + c,
            Step::Multiply(c) => x * c,
            Step::Divide(c) => x / c,
            // Not `clamp`, which cannot have limits in the wrong order.
            Step::Clip(low, high) => x.min(*high).max(*low),
            Step::Round(rounding) => rounding.apply(x),
            Step::Sign => {
                if x >= 0.0 {
                    1.0
                } else {
                    -1.0
                }
            }
            Step::Count { values, .. } => values.iter().filter(|t| x >= **t).count() as f32,
            Step::Function(activation) => activation.apply(x),
        }
    }
}

impl Step<Vec<f32>> {
    /// The function of one channel.
    pub(super) fn of_channel(&self, channel: usize) -> Step<f32> {
        if let Step::Count { lists, values } = self {
            let each = values.len() / lists;
            let own = &values[channel % lists * each..][..each];
            return Step::Count {
                lists: 1,
                values: own.to_vec(),
            };
        }
        let step = self.clone();
        let constant = |list: Vec<f32>| Ok::<f32, ()>(list[channel % list.len()]);
        step.map(constant).expect("constants are taken from lists")
    }

    /// Whether the function rises with its argument in a channel (or stays), or falls; `None` if it does
    /// both.
    pub(super) fn rises(&self, channel: usize) -> Option<bool> {
        match self {
            Step::Multiply(c) | Step::Divide(c) => Some(c[channel % c.len()] >= 0.0),
            Step::Function(activation) => match activation {
                Activation::Leaky { slope } if *slope < 0.0 => None,
                Activation::Mish | Activation::Swish | Activation::HardSwish => None,
                _ => Some(true),
            },
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_where_their_mode_says() {
        let cases = [
            ("ROUND", [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0]),
            ("CEIL", [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
            ("floor", [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]),
            ("UP", [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
            ("DOWN", [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
            ("HALF_UP", [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
            ("HALF_DOWN", [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
        ];
        for (name, expected) in cases {
            let rounding = Rounding::named(name).unwrap();
            let found = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(|x| rounding.apply(x));
            assert_eq!(found, expected, "{name}");
            assert_eq!(rounding.apply(0.0), 0.0, "{name}");
        }
        assert_eq!(Rounding::named("NEAREST"), None);
    }
}
