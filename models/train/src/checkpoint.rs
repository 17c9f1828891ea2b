//! The state of a run in a file, from which it goes on exactly.
//!
//! A safetensors container: for each parameter tensor its value, its average and the optimizer's
//! memory of it, all f32; and in the header what the caller wants to find again.

use crate::parameters::Parameters;
use crate::training::Training;
use crate::{Error, Model};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// The key of the caller's text in the header, and that of the number of updates.
const NOTE: &str = "note";
const STEPS: &str = "steps";
const UPDATES: &str = "updates";

/// The flat arrays of a run, by the prefix of their tensors.
fn arrays(training: &Training) -> [(&'static str, &[f32]); 4] {
    [
        ("value", training.model.parameters().values()),
        ("average", &training.average.values),
        ("first", &training.optimizer.first),
        ("second", &training.optimizer.second),
    ]
}

/// What quantizers remember, by the names of their tensors.
fn states(model: &mut Model) -> Vec<(String, Vec<f32>)> {
    let quantizers = model.quantizers();
    let states = quantizers.map(|(name, own)| (format!("state/{name}"), own.get().state()));
    states.filter(|(_, state)| !state.is_empty()).collect()
}

/// Writes a run's state, with a text of the caller's. The file is replaced in one go.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, training: &mut Training, note: &str) -> Result<(), Error> {
    let states = states(&mut training.model);
    let list = training.model.parameters().list();
    let mut tensors = Vec::new();
    for (prefix, array) in arrays(training) {
        for parameter in list.iter().filter(|_| !array.is_empty()) {
            let values = &array[parameter.range.clone()];
            let bytes: &[u8] = bytemuck::cast_slice(values);
            let view = TensorView::new(Dtype::F32, vec![values.len()], bytes);
            let view = view.map_err(|error| wrong(path, error.to_string()))?;
            tensors.push((format!("{prefix}/{}", parameter.name), view));
        }
    }
    for (name, values) in &states {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let view = TensorView::new(Dtype::F32, vec![values.len()], bytes);
        let view = view.map_err(|error| wrong(path, error.to_string()))?;
        tensors.push((name.clone(), view));
    }
    let header = HashMap::from([
        (NOTE.to_string(), note.to_string()),
        (STEPS.to_string(), training.optimizer.steps.to_string()),
        (UPDATES.to_string(), training.average.updates.to_string()),
    ]);
    let bytes = safetensors::serialize(tensors, Some(header));
    let bytes = bytes.map_err(|error| wrong(path, error.to_string()))?;
    let beside = path.with_extension("part");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| wrong(path, error.to_string()))
}

/// The caller's text in a checkpoint.
///
/// # Errors
/// If it cannot be read or is no checkpoint.
pub fn note(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|error| wrong(path, error.to_string()))?;
    header(path, &bytes, NOTE)
}

/// Takes up a run's state.
///
/// # Errors
/// If the file cannot be read, or belongs to a model or method with other parameters.
pub fn read(path: &Path, training: &mut Training) -> Result<(), Error> {
    let bytes = std::fs::read(path).map_err(|error| wrong(path, error.to_string()))?;
    let tensors =
        SafeTensors::deserialize(&bytes).map_err(|error| wrong(path, error.to_string()))?;
    let number = |key| -> Result<u64, Error> {
        let text = header(path, &bytes, key)?;
        text.parse()
            .map_err(|_| wrong(path, format!("{key} is not a number: {text}")))
    };
    let (steps, updates) = (number(STEPS)?, number(UPDATES)?);
    let parameters = training.model.parameters().clone();
    let mut loaded = Vec::new();
    let mut count = 0;
    for (prefix, array) in arrays(training) {
        let mut values = array.to_vec();
        if !values.is_empty() {
            fill(path, &tensors, prefix, &parameters, &mut values)?;
            count += parameters.list().len();
        }
        loaded.push(values);
    }
    count += restore(path, &tensors, &mut training.model)?;
    if tensors.len() != count {
        let found = tensors.len();
        return Err(wrong(
            path,
            format!("has {found} tensors, not {count}: it is of another method"),
        ));
    }
    let mut loaded = loaded.into_iter();
    let mut next = || loaded.next().expect("four arrays");
    training
        .model
        .parameters_mut()
        .values_mut()
        .copy_from_slice(&next());
    training.average.values = next();
    training.optimizer.first = next();
    training.optimizer.second = next();
    training.optimizer.steps = steps;
    training.average.updates = updates;
    Ok(())
}

fn fill(
    path: &Path,
    tensors: &SafeTensors<'_>,
    prefix: &str,
    parameters: &Parameters,
    values: &mut [f32],
) -> Result<(), Error> {
    for parameter in parameters.list() {
        let name = format!("{prefix}/{}", parameter.name);
        let to = &mut values[parameter.range.clone()];
        let view = tensors.tensor(&name).map_err(|_| {
            wrong(
                path,
                format!("has no {name}: it belongs to another model or method"),
            )
        })?;
        let bytes = view.data();
        if view.dtype() != Dtype::F32 || bytes.len() != 4 * to.len() {
            return Err(wrong(
                path,
                format!("{name} has another size: it belongs to another model"),
            ));
        }
        for (value, bytes) in to.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
    }
    Ok(())
}

/// Gives quantizers what they remembered; returns how many had something.
fn restore(path: &Path, tensors: &SafeTensors<'_>, model: &mut Model) -> Result<usize, Error> {
    let mut count = 0;
    for (name, own) in model.quantizers() {
        let Ok(view) = tensors.tensor(&format!("state/{name}")) else {
            continue;
        };
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        if !own.get_mut().restore(&values) {
            return Err(wrong(
                path,
                format!("the state of {name}'s quantizer does not fit"),
            ));
        }
        count += 1;
    }
    Ok(count)
}

fn header(path: &Path, bytes: &[u8], key: &str) -> Result<String, Error> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| wrong(path, format!("is no checkpoint: {error}")))?;
    let found = metadata
        .metadata()
        .as_ref()
        .and_then(|header| header.get(key));
    found
        .cloned()
        .ok_or_else(|| wrong(path, format!("is no checkpoint: there is no {key} in it")))
}

fn wrong(path: &Path, what: impl Into<String>) -> Error {
    Error::Checkpoint {
        path: path.to_path_buf(),
        what: what.into(),
    }
}
