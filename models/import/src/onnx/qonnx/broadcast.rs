//! Constants with constants, by ONNX's (NumPy's) rule for sizes.

/// The sizes of what two tensors make together, or `None` if they do not fit.
pub(super) fn sizes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size =
        |dims: &[usize], axis: usize| (axis + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (a, b) if a == b => Some(a),
            (1, n) | (n, 1) => Some(n),
            _ => None,
        })
        .collect()
}

/// For each element of a tensor of sizes `to`, the element of one of sizes `from` that stands there.
pub(super) fn places(from: &[usize], to: &[usize]) -> impl Iterator<Item = usize> {
    let skipped = to.len() - from.len();
    let mut steps = vec![0; to.len()];
    let mut step = 1;
    for axis in (0..from.len()).rev() {
        if from[axis] != 1 {
            steps[skipped + axis] = step;
        }
        step *= from[axis];
    }
    let to = to.to_vec();
    (0..to.iter().product()).map(move |mut index: usize| {
        let mut place = 0;
        for axis in (0..to.len()).rev() {
            place += index % to[axis] * steps[axis];
            index /= to[axis];
        }
        place
    })
}

/// For each element of a transposed tensor, the element of the original; axis `i` of it is axis
/// `order[i]` of the original.
pub(super) fn transposed(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        steps[axis - 1] = steps[axis] * dims[axis];
    }
    let count = dims.iter().product();
    let place = |mut index: usize| {
        let mut place = 0;
        for axis in order.iter().rev() {
            place += index % dims[*axis] * steps[*axis];
            index /= dims[*axis];
        }
        place
    };
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_tensors_repeat() {
        assert_eq!(sizes(&[2, 1, 3], &[4, 1]), Some(vec![2, 4, 3]));
        assert_eq!(sizes(&[2], &[]), Some(vec![2]));
        assert_eq!(sizes(&[2], &[3]), None);
        let column: Vec<usize> = places(&[2, 1], &[2, 3]).collect();
        assert_eq!(column, [0, 0, 0, 1, 1, 1]);
        let row: Vec<usize> = places(&[3], &[2, 3]).collect();
        assert_eq!(row, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn axes_change_places() {
        assert_eq!(transposed(&[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(transposed(&[1, 2, 2], &[2, 0, 1]), [0, 2, 1, 3]);
    }
}
