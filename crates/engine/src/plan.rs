//! A compiled forward pass.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo_core::Error;
use burn_zoo_graph::record;

use crate::explain::{self, StepInfo};
use crate::lower::lower;
use crate::passes::{self, Changes};
use crate::program::Program;

/// How near the numbers are to the plain module's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Whatever is fastest. Winograd's convolutions differ by some 1e-5 of the largest number.
    #[default]
    Fast,
    /// No Winograd: sums of the same products, in another order.
    Exact,
}

/// A forward pass for images of one shape, with the weights as they were when it was compiled.
pub struct Plan<const D: usize = 2> {
    shape: [usize; 4],
    output: [usize; D],
    body: Body<D>,
    pub(crate) recorded: usize,
    pub(crate) changes: Changes,
    pub(crate) infos: Vec<StepInfo>,
    compiled_in: Duration,
}

enum Body<const D: usize> {
    Program(Program),
    Module(Box<Forward<D>>, Vec<String>),
}

type Forward<const D: usize> = dyn Fn(Tensor<4>) -> Tensor<D> + Send + Sync;

impl<const D: usize> Plan<D> {
    /// Compiles what `forward` does with images of `[batch, channels, height, width]`; the numbers of
    /// the images must not change what it does. If it does something that no kernel here can, the
    /// plan keeps a copy of the module for inference and runs it instead: see [`Plan::fell_back`].
    ///
    /// # Panics
    ///
    /// If `forward` does, or if it brings a tensor from another device.
    pub fn capture<M: Module + 'static>(
        module: &M,
        shape: [usize; 4],
        precision: Precision,
        forward: impl Fn(&M, Tensor<4>) -> Tensor<D> + Send + Sync + 'static,
    ) -> Self {
        let start = Instant::now();
        let mut output = [0; D];
        let recording = record(module, shape, |module, images| {
            let found = forward(module, images);
            output = found.dims();
            vec![found]
        });
        let mut graph = lower(recording, shape);
        let recorded = graph.nodes.len();
        let (mut changes, foreign) = passes::simplify(&mut graph);
        let mut infos = Vec::new();
        let body = if foreign.is_empty() {
            passes::place(&mut graph, &mut changes);
            infos = explain::steps(&graph);
            let program = Program::new(graph, precision);
            program.describe(&mut infos);
            Body::Program(program)
        } else {
            Body::Module(Box::new(on_burn(module, forward)), foreign)
        };
        Self {
            shape,
            output,
            body,
            recorded,
            changes,
            infos,
            compiled_in: start.elapsed(),
        }
    }

    /// The plan, if nothing fell back.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`] names the operations that did.
    pub fn strict(self) -> Result<Self, Error> {
        match self.body {
            Body::Module(_, operations) => Err(Error::NotCompiled { operations }),
            Body::Program(_) => Ok(self),
        }
    }

    /// Operations, by Burn's names, for which the whole module runs on Burn. None as a rule.
    pub fn fell_back(&self) -> &[String] {
        match &self.body {
            Body::Module(_, operations) => operations,
            Body::Program(_) => &[],
        }
    }

    /// Runs on images of the plan's shape, on whatever device they are; the output is on the same.
    /// Threads are those of rayon's current pool. A run that begins while another is on takes memory of its
    /// own, which the plan keeps, for as many as there are threads.
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] if they have another shape.
    pub fn run(&self, images: Tensor<4>) -> Result<Tensor<D>, Error> {
        self.check(&images)?;
        let program = match &self.body {
            Body::Program(program) => program,
            Body::Module(forward, _) => return Ok(forward(images)),
        };
        let device = images.device();
        let output = numbers(images, |images| program.run(images));
        Ok(Tensor::from_data(
            TensorData::new(output, self.output),
            &device,
        ))
    }

    /// The median time of each step over some runs; none if the plan fell back.
    ///
    /// # Errors
    ///
    /// As [`Plan::run`].
    pub fn profile(&self, images: Tensor<4>, runs: usize) -> Result<Vec<Duration>, Error> {
        self.check(&images)?;
        let Body::Program(program) = &self.body else {
            return Ok(Vec::new());
        };
        let mut times = vec![Vec::new(); self.infos.len()];
        numbers(images, |images| {
            for _ in 0..runs {
                program.time(images, &mut times);
            }
        });
        let median = |mut times: Vec<Duration>| {
            times.sort();
            times.get(times.len() / 2).copied().unwrap_or_default()
        };
        Ok(times.into_iter().map(median).collect())
    }

    fn check(&self, images: &Tensor<4>) -> Result<(), Error> {
        let (found, expected) = (images.dims(), self.shape);
        if found == expected {
            Ok(())
        } else {
            Err(Error::PlanShape { found, expected })
        }
    }

    /// `[batch, channels, height, width]` of the images.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Its steps in the order in which they run; none if the plan fell back.
    pub fn steps(&self) -> &[StepInfo] {
        &self.infos
    }

    /// What the passes did.
    pub fn changes(&self) -> Changes {
        self.changes
    }

    /// Time that compiling took, packing of the weights included.
    pub fn compiled_in(&self) -> Duration {
        self.compiled_in
    }

    /// Bytes that the plan holds besides the module: activations, and packed weights.
    pub fn bytes(&self) -> [usize; 2] {
        self.program().map_or([0; 2], |program| program.bytes)
    }

    pub(crate) fn program(&self) -> Option<&Program> {
        match &self.body {
            Body::Program(program) => Some(program),
            Body::Module(..) => None,
        }
    }
}

/// A module as it is in inference, for images on any device; the output is on the same.
fn on_burn<const D: usize, M: Module + 'static>(
    module: &M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<D> + Send + Sync + 'static,
) -> impl Fn(Tensor<4>) -> Tensor<D> + Send + Sync + 'static {
    let module = module.valid();
    let device = module.devices().into_iter().next();
    let module = Mutex::new(module);
    move |images| {
        // Not locked while it runs: a thread of the pool may be given another run in the middle of its own.
        let module = module
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let home = images.device();
        let device = device.as_ref().unwrap_or(&home);
        moved(forward(&module, moved(images, device)), &home)
    }
}

/// A tensor on a device; its numbers alone, not where they come from, if it is on another.
fn moved<const D: usize>(tensor: Tensor<D>, device: &Device) -> Tensor<D> {
    match tensor.device() == *device {
        true => tensor,
        false => Tensor::from_data(tensor.into_data(), device),
    }
}

/// The images' numbers, without a copy if they are f32 in memory already.
fn numbers<T>(images: Tensor<4>, then: impl FnOnce(&[f32]) -> T) -> T {
    let data = images.into_data();
    match data.as_slice::<f32>() {
        Ok(numbers) => then(numbers),
        Err(_) => then(&data.iter::<f32>().collect::<Vec<_>>()),
    }
}

impl<const D: usize> fmt::Debug for Plan<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("shape", &self.shape)
            .field("output", &self.output)
            .field("steps", &self.infos.len())
            .field("fell_back", &self.fell_back())
            .finish_non_exhaustive()
    }
}
