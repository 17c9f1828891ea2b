//! Rows of codes to tables, and the sums of codes under windows.

use super::arch::{Arch, Row};
use super::geometry::Geometry;
use super::multiplied::Position;

/// Makes row `row` of the tables (counted from the first row of padding) but for its sides, which are
/// clear: `tables` is its place, `sums` has one for each group and column, `line` is scratch for a row of codes.
pub(super) fn row<A: Arch>(
    arch: A,
    geometry: &Geometry,
    input: &[u8],
    row: usize,
    tables: &mut [u8],
    sums: &mut [i32],
    line: &mut [u8],
) {
    let width = geometry.input.width;
    let pixels = row
        .checked_sub(geometry.padding.top)
        .filter(|y| *y < geometry.input.height)
        .map(|y| &input[y * width * geometry.input.channels..][..width * geometry.input.channels]);
    sums.fill(0);
    let Some(pixels) = pixels else {
        tables.fill(0);
        return;
    };
    let left = geometry.padding.left;
    let pitch = tables.len() / geometry.groups;
    let groups = tables.chunks_exact_mut(pitch);
    let sums = sums.chunks_exact_mut(geometry.table_columns);
    for (group, (tables, sums)) in groups.zip(sums).enumerate() {
        let codes = codes(geometry, pixels, group, line);
        let sums = &mut sums[left..left + width];
        arch.tables(
            codes,
            &mut tables[left * geometry.table..],
            geometry.unit_pitch,
            sums,
        );
    }
}

/// Clears the tables of padding left and right in whole rows; making a row anew leaves them so.
pub(super) fn clear_sides(geometry: &Geometry, rows: &mut [u8]) {
    let left = geometry.padding.left * geometry.table;
    let right = left + geometry.input.width * geometry.table;
    for unit in rows.chunks_exact_mut(geometry.unit_pitch) {
        unit[..left].fill(0);
        unit[right..].fill(0);
    }
}

/// Bytes of scratch that [`row`] needs to pad the channels of a row.
pub(super) fn line_bytes(geometry: &Geometry) -> usize {
    if geometry.channels == geometry.padded_channels {
        0
    } else {
        geometry.input.width * geometry.padded_channels
    }
}

/// A group's codes of a row, padded with zeros to whole steps of the table builder.
fn codes<'a>(geometry: &Geometry, pixels: &'a [u8], group: usize, line: &'a mut [u8]) -> Row<'a> {
    let (channels, padded) = (geometry.channels, geometry.padded_channels);
    let (pitch, first) = (geometry.input.channels, group * channels);
    if channels == padded {
        return Row {
            codes: &pixels[first..],
            pitch,
            channels,
        };
    }
    for (to, from) in line
        .chunks_exact_mut(padded)
        .zip(pixels.chunks_exact(pitch))
    {
        to[..channels].copy_from_slice(&from[first..][..channels]);
        to[channels..].fill(0);
    }
    Row {
        codes: line,
        pitch: padded,
        channels: padded,
    }
}

/// The sums of codes under the windows of `rows` rows: `areas[y][x]` for a window that begins at table
/// column `x`. `sums` are one group's, `pitch` from row to row.
#[inline(always)]
pub(super) fn areas(
    geometry: &Geometry,
    sums: &[i32],
    pitch: usize,
    rows: usize,
    column: &mut [i32],
    areas: &mut [i32],
) {
    let width = geometry.table_columns;
    let reach = (geometry.kernel[1] - 1) * geometry.dilation[1];
    for (y, out) in areas.chunks_exact_mut(width).take(rows).enumerate() {
        let first = y * geometry.stride[0];
        column.copy_from_slice(&sums[first * pitch..][..width]);
        for k in 1..geometry.kernel[0] {
            add(column, &sums[(first + k * geometry.dilation[0]) * pitch..]);
        }
        out.copy_from_slice(column);
        for k in 1..geometry.kernel[1] {
            add(
                &mut out[..width - reach],
                &column[k * geometry.dilation[1]..],
            );
        }
    }
}

/// The same where each position's codes count as often as its multiplier says.
pub(super) fn multiplied_areas(
    geometry: &Geometry,
    positions: &[Position],
    sums: &[i32],
    pitch: usize,
    rows: usize,
    areas: &mut [i32],
) {
    let width = geometry.table_columns;
    for (y, out) in areas.chunks_exact_mut(width).take(rows).enumerate() {
        out.fill(0);
        for (k, position) in positions.iter().enumerate() {
            let [row, column] = geometry.position(k);
            let row = &sums[(y * geometry.stride[0] + row) * pitch..][..width];
            for (to, from) in out.iter_mut().zip(&row[column..]) {
                *to += position.multiplier * from;
            }
        }
    }
}

#[inline(always)]
fn add(to: &mut [i32], from: &[i32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
