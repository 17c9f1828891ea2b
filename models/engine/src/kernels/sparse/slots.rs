//! Lists for look-ups: which element of a table each lane takes next.
//!
//! The elements under a window stand in tables of a few, and a vector of lanes is one output channel
//! each. A *slot* is one look-up: a table, and for each lane the index of one of its terms there, or
//! of nothing. A table has as many slots as the busiest lane has terms in it.

use super::vector::Channels;

/// The slots of one sign.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Where each slot's table lies.
    pub(super) tables: Vec<u32>,
    /// A row of lanes for each slot.
    pub(super) indices: Vec<u8>,
}

impl Slots {
    /// For terms of each lane, the elements' numbers in rising order.
    pub(super) fn new<V: Channels>(lanes: &[Vec<u32>]) -> Slots {
        let mut slots = Slots::default();
        let mut next = vec![0; lanes.len()];
        let chunk = V::CHUNK as u32;
        while let Some(table) = nearest(lanes, &next, chunk) {
            let row = slots.indices.len();
            slots.tables.push(table * V::TABLE as u32);
            slots.indices.resize(row + V::LANES, V::NOTHING);
            let lanes = lanes.iter().zip(&mut next);
            for ((terms, next), index) in lanes.zip(&mut slots.indices[row..]) {
                if let Some(term) = terms.get(*next).filter(|term| *term / chunk == table) {
                    *index = (term % chunk) as u8;
                    *next += 1;
                }
            }
        }
        slots
    }
}

/// The first table that a lane has terms in.
fn nearest(lanes: &[Vec<u32>], next: &[usize], chunk: u32) -> Option<u32> {
    let terms = lanes
        .iter()
        .zip(next)
        .filter_map(|(terms, next)| terms.get(*next));
    terms.map(|term| term / chunk).min()
}

/// How many slots [`Slots::new`] makes.
pub(super) fn count(lanes: &[Vec<u32>], chunk: usize) -> usize {
    let chunk = chunk as u32;
    let tables = lanes.iter().filter_map(|terms| terms.last()).max();
    let mut most = vec![0; tables.map_or(0, |last| (last / chunk) as usize + 1)];
    for terms in lanes {
        for run in terms.chunk_by(|a, b| a / chunk == b / chunk) {
            let most: &mut usize = &mut most[(run[0] / chunk) as usize];
            *most = run.len().max(*most);
        }
    }
    most.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_slots_of_its_busiest_lane() {
        let last = 255 + 3;
        let lanes = [vec![0, 7, 7, last], vec![7], vec![], vec![last, last]];
        let slots = Slots::new::<[u8; 16]>(&lanes);
        assert_eq!(slots.tables, [0, 0, 0, 256, 256]);
        assert_eq!(count(&lanes, 255), slots.tables.len());
        let rows: Vec<&[u8]> = slots.indices.chunks(16).map(|row| &row[..4]).collect();
        let none = 255;
        let expected = [
            [0, 7, none, none],
            [7, none, none, none],
            [7, none, none, none],
            [3, none, none, 3],
            [none, none, none, 3],
        ];
        assert_eq!(rows, expected);
    }
}
