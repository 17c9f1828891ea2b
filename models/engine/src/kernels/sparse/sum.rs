//! The inner loops over lists of terms, for any vector.
//!
//! They are inlined into functions that are compiled for the vector's instructions.

#![allow(unsafe_code)]

use super::arch::{LookUps, Rows};
use super::terms::List;
use super::vector::{Channels, Positions, Vector};

/// Where the elements of a term come from.
trait Fetch<V, const N: usize> {
    /// The elements of term number `term`, which lie at `place`.
    ///
    /// # Safety
    /// The vector's instructions and the elements must be there.
    unsafe fn fetch(&self, term: usize, place: u32) -> [V; N];
}

/// Positions of a plane, one after the other, from where the planes begin.
struct Neighbours(*const u8);

impl<V: Vector, const N: usize> Fetch<V, N> for Neighbours {
    #[inline(always)]
    unsafe fn fetch(&self, _: usize, place: u32) -> [V; N] {
        // SAFETY: the caller's promise.
        unsafe {
            let row = self.0.add(place as usize);
            let mut elements = [V::splat(0); N];
            for i in 0..N {
                elements[i] = V::load(row.add(i * V::LANES));
            }
            elements
        }
    }
}

/// One table, and an index for each lane and term.
struct Tables {
    tables: *const u8,
    indices: *const u8,
}

impl<V: Channels> Fetch<V, 1> for Tables {
    #[inline(always)]
    unsafe fn fetch(&self, term: usize, place: u32) -> [V; 1] {
        // SAFETY: the caller's promise.
        unsafe {
            let indices = self.indices.add(term * V::LANES);
            [V::look_up(self.tables.add(place as usize), indices)]
        }
    }
}

/// The sum of a list, in 16 bits.
///
/// # Safety
/// The vector's instructions and the elements of all terms must be there.
#[inline(always)]
unsafe fn sum<V: Vector, const N: usize>(
    list: &List<'_>,
    from: &impl Fetch<V, N>,
) -> [[V::Wide; 2]; N] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut total = [[V::splat_wide(list.start); 2]; N];
        let mut term = 0;
        for segment in list.segments {
            let (plus, minus) =
                list.places[term..][..segment.plus + segment.minus].split_at(segment.plus);
            if list.wide {
                for place in plus {
                    widen::<V, N, false>(&mut total, from.fetch(term, *place));
                    term += 1;
                }
                for place in minus {
                    widen::<V, N, true>(&mut total, from.fetch(term, *place));
                    term += 1;
                }
                continue;
            }
            let mut bytes = [V::splat(segment.bias); N];
            for place in plus {
                let elements = from.fetch(term, *place);
                for i in 0..N {
                    bytes[i] = bytes[i].add(elements[i]);
                }
                term += 1;
            }
            for place in minus {
                let elements = from.fetch(term, *place);
                for i in 0..N {
                    bytes[i] = bytes[i].sub(elements[i]);
                }
                term += 1;
            }
            widen::<V, N, false>(&mut total, bytes);
        }
        total
    }
}

/// Adds bytes to sums of 16 bits, or takes them off.
///
/// # Safety
/// The vector's instructions must be there.
#[inline(always)]
unsafe fn widen<V: Vector, const N: usize, const MINUS: bool>(
    total: &mut [[V::Wide; 2]; N],
    bytes: [V; N],
) {
    for i in 0..N {
        // SAFETY: the caller's promise.
        unsafe {
            let wide = bytes[i].widen();
            for half in 0..2 {
                total[i][half] = match MINUS {
                    true => V::sub_wide(total[i][half], wide[half]),
                    false => V::add_wide(total[i][half], wide[half]),
                };
            }
        }
    }
}

/// The sums of a list at the rows' positions.
///
/// # Safety
/// The vector's instructions must be there.
#[inline(always)]
pub(super) unsafe fn row_sums<V: Vector>(rows: &Rows<'_>, list: &List<'_>, to: &mut [i16]) {
    rows.check::<V>(list, to.len());
    // SAFETY: the caller's promise, and the check.
    unsafe {
        match rows.vectors {
            1 => sums::<V, 1>(rows, list, to.as_mut_ptr()),
            2 => sums::<V, 2>(rows, list, to.as_mut_ptr()),
            3 => sums::<V, 3>(rows, list, to.as_mut_ptr()),
            _ => sums::<V, 4>(rows, list, to.as_mut_ptr()),
        }
    }
}

/// # Safety
/// [`Rows::check`] must hold for `N` vectors, and the vector's instructions be there.
#[inline(always)]
unsafe fn sums<V: Vector, const N: usize>(rows: &Rows<'_>, list: &List<'_>, to: *mut i16) {
    // SAFETY: the caller's promise.
    unsafe {
        let total = sum::<V, N>(list, &Neighbours(rows.start()));
        for i in 0..N {
            V::store_wide(total[i], to.add(i * V::LANES));
        }
    }
}

/// For a list's sums at the rows' positions, how many thresholds each is above.
///
/// # Safety
/// The vector's instructions must be there.
#[inline(always)]
pub(super) unsafe fn row_codes<V: Positions>(
    rows: &Rows<'_>,
    list: &List<'_>,
    thresholds: &[i16],
    to: &mut [u8],
) {
    rows.check::<V>(list, to.len());
    // SAFETY: the caller's promise, and the check.
    unsafe {
        match rows.vectors {
            1 => codes::<V, 1>(rows, list, thresholds, to.as_mut_ptr()),
            2 => codes::<V, 2>(rows, list, thresholds, to.as_mut_ptr()),
            3 => codes::<V, 3>(rows, list, thresholds, to.as_mut_ptr()),
            _ => codes::<V, 4>(rows, list, thresholds, to.as_mut_ptr()),
        }
    }
}

/// # Safety
/// [`Rows::check`] must hold for `N` vectors, and the vector's instructions be there.
#[inline(always)]
unsafe fn codes<V: Positions, const N: usize>(
    rows: &Rows<'_>,
    list: &List<'_>,
    thresholds: &[i16],
    to: *mut u8,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let total = sum::<V, N>(list, &Neighbours(rows.start()));
        for i in 0..N {
            let mut counts = [V::splat_wide(0); 2];
            for threshold in thresholds {
                let threshold = V::splat_wide(*threshold);
                for half in 0..2 {
                    counts[half] = V::count_above(counts[half], total[i][half], threshold);
                }
            }
            V::narrow(counts).store(to.add(i * V::LANES));
        }
    }
}

/// The sums of a list of look-ups, a lane each.
///
/// # Safety
/// The vector's instructions must be there.
#[inline(always)]
pub(super) unsafe fn look_ups<V: Channels>(look: &LookUps<'_>, list: &List<'_>, to: &mut [i16]) {
    look.check::<V>(list, to.len());
    let from = Tables {
        tables: look.tables.as_ptr(),
        indices: look.indices.as_ptr(),
    };
    // SAFETY: the caller's promise, and the check.
    unsafe {
        let [total] = sum::<V, 1>(list, &from);
        V::store_wide(total, to.as_mut_ptr());
    }
}
