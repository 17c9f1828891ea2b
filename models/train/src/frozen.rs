//! A network that is not trained, run beside one that is: on the engine, at any size of input.

use crate::Error;
use crate::augment::Batch;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Plan, Session};
use tincy_network::{Code, Layer, Network, Shape, Source};

/// The network, and its plans.
pub struct Frozen {
    network: Network,
    outputs: Vec<Source>,
    pool: Arc<rayon::ThreadPool>,
    /// For each size of input that came so far, as width and height.
    sizes: HashMap<[usize; 2], AtSize>,
}

#[derive(Clone)]
struct AtSize {
    plan: Arc<Plan>,
    shapes: Vec<Shape>,
}

/// What a network makes of a batch.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Of each output.
    pub shapes: Vec<Shape>,
    /// For each picture the outputs, NHWC; codes as numbers.
    pub maps: Vec<Vec<Vec<f32>>>,
}

impl Frozen {
    /// A network of which these outputs are wanted, on these threads.
    pub fn new(network: Network, outputs: Vec<Source>, pool: Arc<rayon::ThreadPool>) -> Frozen {
        Frozen {
            network,
            outputs,
            pool,
            sizes: HashMap::new(),
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Runs it over a batch, each of whose inputs `own` brings into real values as the network takes them.
    ///
    /// # Errors
    /// If the inputs' size does not suit the network.
    pub fn look(
        &mut self,
        batch: &Batch,
        own: impl Fn(&[f32]) -> Cow<'_, [f32]> + Sync,
    ) -> Result<Seen, Error> {
        let AtSize { plan, shapes } = self.at_size(batch.size)?;
        let code = self.network.input().number.code();
        let size = (batch.inputs.len() / batch.truths.len().max(1)).max(1);
        let see = |session: &mut Session, input: &[f32]| -> Vec<Vec<f32>> {
            put(&own(input), code, session.input_mut());
            session.run();
            let map = |output: &Source| session.output(*output).expect("outputs are kept");
            self.outputs.iter().map(|o| numbers(map(o))).collect()
        };
        let maps = self.pool.install(|| {
            let inputs = batch.inputs.par_chunks_exact(size);
            inputs.map_init(|| Session::new(&plan), see).collect()
        });
        Ok(Seen { shapes, maps })
    }

    fn at_size(&mut self, size: [usize; 2]) -> Result<AtSize, Error> {
        if let Some(at_size) = self.sizes.get(&size) {
            return Ok(at_size.clone());
        }
        let mut input = self.network.input().clone();
        [input.shape.width, input.shape.height] = size;
        let same = |_, layer: &Layer| Ok::<_, Error>(layer.op().clone());
        let network = self.network.rebuild(input, same)?.build()?;
        let shapes = self.outputs.iter().map(|output| network.tensor(*output).0);
        let at_size = AtSize {
            plan: Plan::new(&network, &Default::default())?,
            shapes: shapes.collect(),
        };
        self.sizes.insert(size, at_size.clone());
        Ok(at_size)
    }
}

fn put(values: &[f32], code: Option<Code>, input: TensorMut<'_>) {
    let code = |value: &f32| code.expect("bytes are codes").quantize(*value);
    match input {
        TensorMut::F32(own) => own.copy_from_slice(values),
        TensorMut::U8(own) => (own.iter_mut().zip(values)).for_each(|(o, v)| *o = code(v) as u8),
        TensorMut::I8(own) => (own.iter_mut().zip(values)).for_each(|(o, v)| *o = code(v) as i8),
    }
}

fn numbers(map: Tensor<'_>) -> Vec<f32> {
    match map {
        Tensor::F32(values) => values.to_vec(),
        Tensor::U8(codes) => codes.iter().map(|code| f32::from(*code)).collect(),
        Tensor::I8(codes) => codes.iter().map(|code| f32::from(*code)).collect(),
    }
}
