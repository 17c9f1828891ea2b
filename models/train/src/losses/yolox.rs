//! The anchor-free loss of YOLOX (Ge et al., 2021), for several heads.
//!
//! A cell has one box: centre `(column + x, row + y)`, size `(e^w, e^h)`, both in cells of its head.
//! Which cells are to find an object is decided by what they find now ("SimOTA"): with `p` the root
//! of objectness and class probability, `u` the overlap,
//!
//! ```text
//! cost = -ln p - 3 ln u, raised far for cells that are not both inside the object and within 1.5
//!        cells of its centre, out of the question if neither
//! ```
//!
//! the cheapest `k` cells of an object are matched, where `k` is the sum of its ten best overlaps, at
//! least 1; a cell that several want goes to the one it costs least. Sums over cells:
//!
//! ```text
//! all       cross-entropy of s(objectness) against 1 where matched, else 0
//! matched   5 * (1 - u^2)
//!           cross-entropy of each s(class) against u for its class (taken as given), else 0
//! ```
//!
//! Cells whose box overlaps an ignored object by more than 0.4 are not asked for objectness unless
//! they are matched. A batch's sum is divided by the number of its matched cells.

use super::logistic::{logistic, yes_or_no};
use super::overlap::{overlap, overlap_slopes};
use super::{HeadMap, Loss, Terms, Truth};

/// How far a cell's centre may be from an object's, in cells.
const REACH: f32 = 1.5;

/// How much an overlap counts in the cost.
const OVERLAP_COST: f32 = 3.0;

/// What a cell costs more that is not both inside an object and near its centre.
const FAR: f32 = 1e5;

/// Overlaps that say how many cells an object gets.
const COUNTED: usize = 10;

/// Overlap with an ignored object above which a box is not wrong.
const CLOSE_TO_IGNORED: f32 = 0.4;

/// The loss of a network with anchor-free heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Yolox {
    /// Number of classes.
    pub classes: usize,
    /// How much the boxes count: 5 in the paper's code.
    pub boxes: f32,
    /// How much the objectness counts: 1.
    pub objectness: f32,
}

/// A cell's box.
struct Cell {
    head: usize,
    /// Its first number in the head's map.
    at: usize,
    /// The cell's middle, in fractions of the input.
    middle: [f32; 2],
    /// Its width and height.
    size: [f32; 2],
    /// The box's edges.
    edges: [f32; 4],
}

/// A cell and what it is to find.
#[derive(Debug)]
struct Match {
    cell: usize,
    truth: usize,
    overlap: f32,
}

/// What the maps are held against.
#[derive(Debug)]
struct Targets {
    matches: Vec<Match>,
    /// For each cell, whether it is asked for its objectness.
    asked: Vec<bool>,
}

impl Yolox {
    /// With the paper's weights.
    pub fn new(classes: usize) -> Yolox {
        Yolox {
            classes,
            boxes: 5.0,
            objectness: 1.0,
        }
    }

    /// The boxes of all heads' cells.
    fn cells(&self, heads: &[HeadMap<'_>]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (head, map) in heads.iter().enumerate() {
            let size = [1.0 / map.columns as f32, 1.0 / map.rows as f32];
            for (number, raw) in map.values.chunks_exact(5 + self.classes).enumerate() {
                let place = [(number % map.columns) as f32, (number / map.columns) as f32];
                cells.push(Cell {
                    head,
                    at: number * (5 + self.classes),
                    middle: [0, 1].map(|i| (place[i] + 0.5) * size[i]),
                    size,
                    edges: edges(raw, place, size),
                });
            }
        }
        cells
    }

    fn targets(&self, heads: &[HeadMap<'_>], cells: &[Cell], truths: &[Truth]) -> Targets {
        let ignored: Vec<&Truth> = truths.iter().filter(|truth| truth.ignored).collect();
        let close =
            |cell: &Cell, truth: &&&Truth| overlap(&cell.edges, &truth.edges) > CLOSE_TO_IGNORED;
        let asked = cells
            .iter()
            .map(|cell| !ignored.iter().any(|truth| close(cell, &truth)));
        let mut targets = Targets {
            asked: asked.collect(),
            matches: Vec::new(),
        };
        // For each cell the cheapest object that wants it: cost, object, overlap.
        let mut owners: Vec<Option<(f32, usize, f32)>> = vec![None; cells.len()];
        for (number, truth) in truths
            .iter()
            .enumerate()
            .filter(|(_, truth)| !truth.ignored)
        {
            for (cell, cost, overlap) in self.wanted(heads, cells, truth) {
                if owners[cell].is_none_or(|owner| cost < owner.0) {
                    owners[cell] = Some((cost, number, overlap));
                }
            }
        }
        for (cell, owner) in owners.into_iter().enumerate() {
            if let Some((_, truth, overlap)) = owner {
                targets.asked[cell] = true;
                targets.matches.push(Match {
                    cell,
                    truth,
                    overlap,
                });
            }
        }
        targets
    }

    /// The cells that an object wants: number, cost and overlap.
    fn wanted(
        &self,
        heads: &[HeadMap<'_>],
        cells: &[Cell],
        truth: &Truth,
    ) -> Vec<(usize, f32, f32)> {
        let mut best = [0.0f32; COUNTED];
        let mut candidates = Vec::new();
        for (number, cell) in cells.iter().enumerate() {
            let overlap = overlap(&cell.edges, &truth.edges);
            insert(&mut best, overlap);
            let (near, inside) = (is_near(cell, truth), is_inside(cell, truth));
            if near || inside {
                let raw = &heads[cell.head].values[cell.at..];
                let p = (logistic(raw[5 + truth.class]) * logistic(raw[4])).sqrt();
                let cost = -p.clamp(1e-6, 1.0 - 1e-6).ln() - OVERLAP_COST * (overlap + 1e-6).ln();
                let cost = if near && inside { cost } else { cost + FAR };
                candidates.push((number, cost, overlap));
            }
        }
        let count = (best.iter().sum::<f32>() as usize).max(1);
        candidates.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        candidates.truncate(count);
        candidates
    }

    fn evaluate(
        &self,
        heads: &[HeadMap<'_>],
        cells: &[Cell],
        truths: &[Truth],
        targets: &Targets,
        gradients: &mut [Vec<f32>],
    ) -> Terms {
        let mut terms = Terms::default();
        gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
        let mut wanted = vec![(0.0, 1.0); cells.len()];
        for found in &targets.matches {
            wanted[found.cell] = (1.0, truths[found.truth].weight);
            let (cell, truth) = (&cells[found.cell], &truths[found.truth]);
            let numbers = cell.at..cell.at + 5 + self.classes;
            let raw = &heads[cell.head].values[numbers.clone()];
            let gradient = &mut gradients[cell.head][numbers];
            terms += self.matched(cell, truth, found.overlap, raw, gradient);
        }
        for ((cell, asked), (wanted, weight)) in cells.iter().zip(&targets.asked).zip(wanted) {
            if *asked {
                let raw = heads[cell.head].values[cell.at + 4];
                let (loss, slope) = yes_or_no(raw, wanted);
                terms.objectness += f64::from(self.objectness * weight * loss);
                gradients[cell.head][cell.at + 4] = self.objectness * weight * slope;
            }
        }
        terms
    }

    /// The box and the classes of a matched cell.
    fn matched(
        &self,
        cell: &Cell,
        truth: &Truth,
        target: f32,
        raw: &[f32],
        gradient: &mut [f32],
    ) -> Terms {
        let (overlap, slopes) = overlap_slopes(&edges_of(cell, raw), &truth.edges);
        let weight = truth.weight * self.boxes;
        // Edges move with the centre together, with the size apart.
        for i in 0..2 {
            let (low, high) = (slopes[i], slopes[2 + i]);
            let pull = -2.0 * weight * overlap;
            let half = raw[2 + i].min(LARGEST).exp() * cell.size[i] / 2.0;
            gradient[i] = pull * (low + high) * cell.size[i];
            gradient[2 + i] = pull * (high - low) * half;
        }
        let mut classes = 0.0;
        for (class, (raw, gradient)) in raw[5..].iter().zip(&mut gradient[5..]).enumerate() {
            let wanted = if class == truth.class { target } else { 0.0 };
            let (loss, slope) = yes_or_no(*raw, wanted);
            classes += f64::from(truth.weight * loss);
            *gradient = truth.weight * slope;
        }
        Terms {
            boxes: f64::from(weight * (1.0 - overlap * overlap)),
            classes,
            matched: truth.weight.into(),
            overlaps: (truth.weight * overlap).into(),
            ..Terms::default()
        }
    }
}

/// The largest logarithm of a size: beyond any input, and its square is still a number.
const LARGEST: f32 = 15.0;

/// Edges of a box in fractions of the input.
pub(super) fn edges(raw: &[f32], place: [f32; 2], size: [f32; 2]) -> [f32; 4] {
    let axis = |i: usize| {
        let centre = (raw[i] + place[i]) * size[i];
        let half = raw[2 + i].min(LARGEST).exp() * size[i] / 2.0;
        [centre - half, centre + half]
    };
    let ([left, right], [top, bottom]) = (axis(0), axis(1));
    [left, top, right, bottom]
}

/// The edges that other numbers give a cell.
fn edges_of(cell: &Cell, raw: &[f32]) -> [f32; 4] {
    let place = [0, 1].map(|i| (cell.middle[i] / cell.size[i]).floor());
    edges(raw, place, cell.size)
}

fn is_near(cell: &Cell, truth: &Truth) -> bool {
    let [left, top, right, bottom] = truth.edges;
    let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
    (0..2).all(|i| (cell.middle[i] - centre[i]).abs() < REACH * cell.size[i])
}

fn is_inside(cell: &Cell, truth: &Truth) -> bool {
    (0..2).all(|i| truth.edges[i] < cell.middle[i] && cell.middle[i] < truth.edges[2 + i])
}

/// Puts a value among the largest, which fall.
fn insert(best: &mut [f32; COUNTED], mut value: f32) {
    if value > best[COUNTED - 1] {
        for place in best.iter_mut() {
            if value > *place {
                std::mem::swap(place, &mut value);
            }
        }
    }
}

impl Loss for Yolox {
    fn picture(
        &self,
        heads: &[HeadMap<'_>],
        truths: &[Truth],
        gradients: &mut [Vec<f32>],
    ) -> Terms {
        let cells = self.cells(heads);
        let targets = self.targets(heads, &cells, truths);
        self.evaluate(heads, &cells, truths, &targets, gradients)
    }

    fn divisor(&self, batch: &Terms, _: usize) -> f64 {
        batch.matched.max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::slopes::{Grid, check, maps, numbers, room};
    use super::*;

    fn grids() -> [Grid; 2] {
        [(4, 6, 1), (2, 3, 2)].map(|(rows, columns, seed)| Grid {
            rows,
            columns,
            values: numbers(rows * columns * 8, seed),
        })
    }

    fn truth(class: usize, edges: [f32; 4]) -> Truth {
        Truth {
            class,
            edges,
            ignored: false,
            weight: 1.0,
        }
    }

    fn truths() -> Vec<Truth> {
        let ignored = Truth {
            ignored: true,
            ..truth(0, [0.7, 0.6, 0.9, 0.95])
        };
        let unsure = Truth {
            weight: 0.5,
            ..truth(2, [0.35, 0.05, 0.95, 0.8])
        };
        vec![truth(1, [0.1, 0.1, 0.4, 0.55]), unsure, ignored]
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let (yolox, mut grids) = (Yolox::new(3), grids());
        let (cells, truths) = (yolox.cells(&maps(&grids)), truths());
        let targets = yolox.targets(&maps(&grids), &cells, &truths);
        assert!(targets.matches.len() >= 2, "{targets:?}");
        let mut gradients = room(&grids);
        let terms = yolox.picture(&maps(&grids), &truths, &mut gradients);
        assert_eq!(yolox.divisor(&terms, 1), terms.matched.max(1.0));
        check(&mut grids, &gradients, |maps| {
            let mut unused: Vec<_> = maps.iter().map(|map| map.values.to_vec()).collect();
            yolox
                .evaluate(maps, &cells, &truths, &targets, &mut unused)
                .total()
        });
    }

    /// A map in which one cell's box is exactly the object.
    fn perfect() -> Vec<f32> {
        let mut values = vec![0.0; 9 * 6];
        for cell in values.chunks_exact_mut(6) {
            cell.copy_from_slice(&[0.5, 0.5, -3.0, -3.0, -9.0, -9.0]);
        }
        values[4 * 6..5 * 6].copy_from_slice(&[0.5, 0.5, 0.0, 0.0, 9.0, 9.0]);
        values
    }

    #[test]
    fn the_best_cell_is_matched() {
        let (yolox, values) = (Yolox::new(1), perfect());
        let maps = [HeadMap {
            rows: 3,
            columns: 3,
            values: &values,
        }];
        let third = 1.0 / 3.0;
        let truths = [truth(0, [third, third, 2.0 * third, 2.0 * third])];
        let mut gradients = [vec![f32::NAN; 54]];
        let terms = yolox.picture(&maps, &truths, &mut gradients);
        assert_eq!(terms.matched, 1.0);
        assert!((terms.overlaps - 1.0).abs() < 1e-5 && terms.boxes < 1e-4);
        assert!(terms.objectness < 0.01 && terms.classes < 0.01, "{terms:?}");
        let sure = gradients[0].chunks_exact(6).flat_map(|cell| &cell[4..]);
        assert!(sure.into_iter().all(|slope| slope.abs() < 0.01));
        // Without the object, the cell is wrong.
        let terms = yolox.picture(&maps, &[], &mut gradients);
        assert!((terms.objectness - 9.0).abs() < 0.01 && terms.matched == 0.0);
        // An ignored one there asks nothing of it.
        let ignored = [Truth {
            ignored: true,
            ..truths[0]
        }];
        let terms = yolox.picture(&maps, &ignored, &mut gradients);
        assert!(terms.total() < 0.01, "{terms:?}");
    }

    #[test]
    fn many_good_cells_make_many_matches() {
        let yolox = Yolox::new(1);
        // Nine cells whose boxes are all about the whole input.
        let mut values = Vec::new();
        for cell in 0..9 {
            let (column, row) = ((cell % 3) as f32, (cell / 3) as f32);
            values.extend([1.5 - column, 1.5 - row, 3f32.ln(), 3f32.ln(), 0.0, 0.0]);
        }
        let maps = [HeadMap {
            rows: 3,
            columns: 3,
            values: &values,
        }];
        let truths = [truth(0, [0.0, 0.0, 1.0, 1.0])];
        let terms = yolox.picture(&maps, &truths, &mut [vec![0.0; 54]]);
        // The nine overlaps sum to 9 but for rounding.
        assert!(terms.matched >= 8.0, "{terms:?}");
        let wild = [f32::MAX; 54];
        let maps = [HeadMap {
            values: &wild,
            ..maps[0]
        }];
        let mut gradients = [vec![0.0; 54]];
        yolox.picture(&maps, &truths, &mut gradients);
        assert!(gradients[0].iter().all(|slope| !slope.is_nan()));
    }
}
