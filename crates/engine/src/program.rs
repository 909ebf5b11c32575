//! The steps of a plan with the memory that they run in.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use burn_zoo_kernels::{Buffer, Isa, awake};
use rayon::prelude::*;

use crate::ir::Graph;
use crate::kernel::{Kernel, Place, Step};
use crate::memory;
use crate::{Precision, StepInfo};

/// Runs on images that lie row by row.
pub(crate) struct Program {
    isa: Isa,
    steps: Vec<Step>,
    output: Place,
    /// What no run uses now: one for the first, and one for each that began while others ran.
    states: Mutex<Vec<State>>,
    /// Numbers in each buffer, and in the scratch memory.
    lens: (Vec<usize>, usize),
    /// Bytes that activations need, and those of packed weights.
    pub(crate) bytes: [usize; 2],
    /// Bytes that activations would need if none shared its memory.
    pub(crate) unshared: usize,
}

/// Memory of a run; that of the first is there from compilation on.
struct State {
    buffers: Vec<Buffer>,
    scratch: Buffer,
}

impl State {
    fn new((buffers, scratch): &(Vec<usize>, usize)) -> Self {
        Self {
            buffers: buffers.iter().map(|len| Buffer::zeros(*len)).collect(),
            scratch: Buffer::zeros(*scratch),
        }
    }
}

impl Program {
    /// Packs the weights of a graph whose values have places, and drops each one's own form.
    pub(crate) fn new(mut graph: Graph, precision: Precision) -> Self {
        let isa = Isa::detect();
        let memory = memory::plan(&graph);
        let unshared = memory::unshared(&graph);
        let nodes = std::mem::take(&mut graph.nodes);
        let graph = &graph;
        let places = |values: &[crate::ir::ValueId]| {
            let places = values.iter().map(|it| Place::of(graph, &memory, *it));
            places.collect()
        };
        let steps: Vec<_> = nodes
            .into_par_iter()
            .map(|node| Step {
                kernel: Kernel::new(graph, &node, isa, precision),
                reads: places(&node.inputs),
                writes: places(&node.outputs),
            })
            .collect();
        let scratch = steps.iter().map(Step::scratch).max().unwrap_or(0);
        let numbers = memory.buffers.iter().sum::<usize>() + scratch;
        let output = Place::of(graph, &memory, graph.output);
        let lens = (memory.buffers, scratch);
        let weights = steps.iter().map(|step| step.kernel.bytes()).sum();
        Self {
            isa,
            output,
            steps,
            states: Mutex::new(vec![State::new(&lens)]),
            lens,
            bytes: [numbers * size_of::<f32>(), weights],
            unshared: unshared * size_of::<f32>(),
        }
    }

    /// The instruction set of its kernels.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// What its kernels chose, for the reader of a plan.
    pub(crate) fn describe(&self, infos: &mut [StepInfo]) {
        for (step, info) in self.steps.iter().zip(infos) {
            info.algorithm = step.kernel.algorithm().map(|it| it.to_string());
        }
    }

    /// The output's numbers, row by row: the only allocation.
    pub(crate) fn run(&self, images: &[f32]) -> Vec<f32> {
        self.run_each(images, |step, run| {
            let _ = step;
            run();
        })
    }

    /// As [`Program::run`], adding each step's time to its place in `times`.
    pub(crate) fn time(&self, images: &[f32], times: &mut [Vec<Duration>]) {
        self.run_each(images, |step, run| {
            let start = Instant::now();
            run();
            times[step].push(start.elapsed());
        });
    }

    fn run_each(
        &self,
        images: &[f32],
        each: impl FnMut(usize, &mut dyn FnMut()) + Send,
    ) -> Vec<f32> {
        // No run waits for another's memory: on a thread of the pool that would be for ever, if the
        // other needs this thread.
        let state = self.states().pop();
        let mut state = state.unwrap_or_else(|| State::new(&self.lens));
        let output = awake(|| self.run_in(&mut state, images, each));
        // A thread may have begun several runs, one in the middle of another.
        let mut states = self.states();
        if states.len() < rayon::current_num_threads() {
            states.push(state);
        }
        output
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_in(
        &self,
        State { buffers, scratch }: &mut State,
        images: &[f32],
        mut each: impl FnMut(usize, &mut dyn FnMut()),
    ) -> Vec<f32> {
        for (index, step) in self.steps.iter().enumerate() {
            each(index, &mut || step.run(self.isa, images, buffers, scratch));
        }
        self.output.copy(images, buffers)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("steps", &self.steps.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
