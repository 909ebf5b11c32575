//! One network on one device: what it answers, how fast, and with how much memory.
//!
//! This runs in a process of its own (`worker`), so that memory is this measurement's alone and a
//! backend that aborts takes nothing with it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use burn::module::Module as _;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo::AnyClassifier;
use burn_zoo_core::{Classifier as _, TrainingKernels, weighted_loss};
use serde::{Deserialize, Serialize};

use crate::engine::{self, Forward, Switch};
use crate::inside::InsideArgs;
use crate::precision::Precision;
use crate::source::Source;
use crate::tensors::{self, Named};
use crate::{device, machine, model, random};

/// Runs before the timed ones. The first compiles kernels and chooses among them; the second
/// finds caches as the timed ones will.
const WARM_UP: usize = 2;
/// Fewest and most timed runs.
const RUNS: [usize; 2] = [5, 1000];
/// Seed of the input, unlike that of any tensor.
const INPUT_SEED: u64 = u64::MAX;

/// What a measurement is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// An architecture, or one with weights.
    pub(crate) model: String,
    /// A file with weights.
    pub(crate) weights: Option<Source>,
    /// Where the weights are in the file.
    pub(crate) inside: InsideArgs,
    /// A picture, else an input of seeded numbers.
    pub(crate) image: Option<PathBuf>,
    /// As `--device` takes it.
    pub(crate) device: String,
    /// Number format of weights and images.
    pub(crate) dtype: Precision,
    /// Images at once.
    pub(crate) batch: usize,
    /// What is timed.
    pub(crate) work: Work,
    /// Whether a forward pass is compiled, where the device is flex.
    pub(crate) engine: Switch,
    /// What computes a training step.
    pub(crate) kernels: TrainingKernels,
    /// For how long it is timed, in seconds; a run that was begun is finished.
    pub(crate) seconds: f64,
    /// A file for the stages' feature maps, where they are wanted.
    pub(crate) stages: Option<PathBuf>,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// A forward pass, until the logits are on the host.
    Forward,
    /// Forward, backward and a step of SGD, until the loss is on the host and the device is idle.
    Train,
}

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The adapter's or processor's name.
    pub(crate) adapter: Option<String>,
    /// Whether a compiled plan ran, or the network as Burn runs it.
    pub(crate) engine: Switch,
    /// Logits, image by image; none for training.
    pub(crate) logits: Vec<Vec<f32>>,
    /// Names of the stages in the file, shallow to deep.
    pub(crate) stages: Vec<String>,
    /// Of the timed runs.
    pub(crate) latency: Latency,
    /// Of the runs before them.
    pub(crate) warm_up: WarmUp,
    /// Greatest amount of memory, in bytes, and where it is.
    pub(crate) peak: Option<(u64, Memory)>,
}

/// How long a run takes, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half of the runs are as fast.
    pub(crate) median: f64,
    /// 95 of 100 runs are as fast.
    pub(crate) p95: f64,
    /// Number of timed runs.
    pub(crate) runs: usize,
}

/// The runs before the timed ones.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct WarmUp {
    /// Number of runs.
    pub(crate) runs: usize,
    /// All of them, in milliseconds.
    pub(crate) total_ms: f64,
    /// The first of them, in milliseconds.
    pub(crate) first_ms: f64,
    /// How much longer the first run took than the median, in milliseconds: compiling kernels and
    /// choosing among them, which CubeCL does not tell apart, or making a plan. Unknown where nothing
    /// is compiled.
    pub(crate) compile_ms: Option<f64>,
}

/// Which memory was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Memory {
    /// Resident memory of the process, from after loading the weights on.
    Process,
    /// What the device's memory pools hold at the end, which do not shrink by themselves.
    Device,
}

impl Job {
    /// Does it, in this process.
    pub(crate) fn run(&self) -> Result<Measured> {
        self.kernels.choose();
        let device = device::parse(&self.device)?;
        let device = self.dtype.set(device, &self.device)?;
        let backend = self
            .device
            .split(':')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        let (model, input) = self.prepare(&device)?;
        device.sync()?;
        machine::forget_peak_memory();
        let compiles = self.engine == Switch::On && backend == "flex";
        let forward = Forward::logits(compiles, &model);

        let mut logits = Vec::new();
        let (latency, mut warm_up) = match self.work {
            Work::Forward => timed(self.seconds, || {
                let data = forward.run(input.clone())?.try_into_data()?;
                logits = data.iter::<f32>().collect();
                Ok(())
            })?,
            Work::Train => train(model.clone(), &input, self.seconds)?,
        };
        let engine = match self.work {
            Work::Forward => forward.engine(input.dims())?,
            Work::Train => Switch::Off,
        };
        let compiled = engine == Switch::On;
        if !compiled && matches!(backend.as_str(), "flex" | "ndarray" | "tch" | "remote") {
            warm_up.compile_ms = None;
        }
        let peak = match pool(&device) {
            Some(bytes) => Some((bytes, Memory::Device)),
            None if backend == "remote" => None,
            None => machine::peak_memory().map(|bytes| (bytes, Memory::Process)),
        };
        ensure!(
            logits.iter().all(|value: &f32| value.is_finite()),
            "the logits are not finite in {}; a wider --dtype may help",
            self.dtype
        );
        Ok(Measured {
            adapter: device::adapter_name(&backend, &device),
            engine,
            logits: logits
                .chunks(model.num_classes())
                .map(<[f32]>::to_vec)
                .collect(),
            stages: match &self.stages {
                Some(path) => stages(compiled, &model, input, path)?,
                None => Vec::new(),
            },
            latency,
            warm_up,
            peak,
        })
    }

    /// The network and its input, `[batch, channels, height, width]`.
    fn prepare(&self, device: &Device) -> Result<(AnyClassifier, Tensor<4>)> {
        let (model, preprocess) =
            model::measured(&self.model, self.weights.as_ref(), &self.inside, device)?;
        let input = match &self.image {
            Some(path) => {
                let image = preprocess.open(path, device)?;
                image.repeat_dim(0, self.batch)
            }
            None => {
                let spec = model.input();
                let [height, width] = spec.size;
                let dims = [self.batch, spec.channels, height, width];
                let values = random::stream(INPUT_SEED).map(|unit| 2.0 * unit - 1.0);
                let values: Vec<f32> = values.take(dims.iter().product()).collect();
                Tensor::from_data(TensorData::new(values, dims), device)
            }
        };
        model.input().check(input.dims())?;
        Ok((model, input))
    }
}

fn train(model: AnyClassifier, input: &Tensor<4>, seconds: f64) -> Result<(Latency, WarmUp)> {
    let device = input.device().autodiff();
    let input = input.clone().to_device(&device);
    let [batch, ..] = input.dims();
    let labels = Tensor::<1, Int>::zeros([batch], &device);
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut optimizer = SgdConfig::new().init();
    let mut model = Some(model.to_device(&device).train());
    let mut step = || {
        let network = model.take().context("the step before failed")?;
        let heads = network.forward_train(input.clone());
        let loss = weighted_loss(heads, |logits| {
            cross_entropy.forward(logits, labels.clone())
        });
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        model = Some(optimizer.step(1e-3, network, gradients));
        loss.try_into_data()?;
        Ok(device.sync()?)
    };
    timed(seconds, || TrainingKernels::step(&device, &mut step))
}

/// Warms up, then times runs until `seconds` are over.
fn timed(seconds: f64, mut once: impl FnMut() -> Result<()>) -> Result<(Latency, WarmUp)> {
    let mut run = || -> Result<Duration> {
        let start = Instant::now();
        once()?;
        Ok(start.elapsed())
    };
    let warm: Vec<Duration> = (0..WARM_UP).map(|_| run()).collect::<Result<_>>()?;
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < RUNS[0]
        || (start.elapsed().as_secs_f64() < seconds && times.len() < RUNS[1])
    {
        times.push(run()?);
    }
    let latency = Latency::of(&mut times);
    let milliseconds = |time: Duration| 1e3 * time.as_secs_f64();
    let first_ms = milliseconds(warm[0]);
    Ok((
        latency,
        WarmUp {
            runs: WARM_UP,
            total_ms: milliseconds(warm.iter().sum()),
            first_ms,
            compile_ms: Some((first_ms - latency.median).max(0.0)),
        },
    ))
}

impl Latency {
    /// Of at least one run; percentiles are nearest ranks.
    fn of(times: &mut [Duration]) -> Self {
        times.sort_unstable();
        let rank = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            1e3 * times[rank.max(1) - 1].as_secs_f64()
        };
        Self {
            median: rank(0.5),
            p95: rank(0.95),
            runs: times.len(),
        }
    }
}

/// What the device's memory pools hold, where it has some that report it.
fn pool(device: &Device) -> Option<u64> {
    device.memory_pool_usage().map(|usage| usage.bytes_reserved)
}

/// Writes the feature maps of the input, and tells their names in order.
fn stages(
    compiled: bool,
    model: &AnyClassifier,
    input: Tensor<4>,
    path: &std::path::Path,
) -> Result<Vec<String>> {
    let features: Vec<(String, Tensor<4>)> = if compiled {
        let run = |name: String| -> Result<_> {
            let map = Forward::map(compiled, model, &name).run(input.clone())?;
            Ok((name, map))
        };
        let names = engine::stages(model).into_iter();
        names.map(run).collect::<Result<_>>()?
    } else {
        let features = model.features(input).into_iter();
        features
            .map(|feature| (feature.name.into_owned(), feature.map))
            .collect()
    };
    let mut maps = Vec::new();
    for (name, map) in features {
        let shape = map.dims().to_vec();
        let data = map.try_into_data()?;
        if maps.iter().any(|map: &Named| map.name == name) {
            bail!("two stages are called {name}");
        }
        maps.push(Named::new(name, shape, data)?);
    }
    std::fs::write(path, tensors::file(&maps)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(maps.into_iter().map(|map| map.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut times: Vec<_> = (1..=40).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(&mut times);
        assert_eq!([latency.median, latency.p95], [20.0, 38.0]);
        assert_eq!(Latency::of(&mut times[..1]).p95, 1.0);
    }

    #[test]
    fn the_first_run_is_no_part_of_the_latency() {
        let mut first = true;
        let (latency, warm_up) = timed(0.0, || {
            std::thread::sleep(Duration::from_millis(if first { 60 } else { 1 }));
            first = false;
            Ok(())
        })
        .unwrap();
        assert_eq!((latency.runs, warm_up.runs), (RUNS[0], WARM_UP));
        assert!(latency.median < 40.0 && warm_up.first_ms >= 60.0);
        assert!(warm_up.compile_ms.unwrap() > 20.0, "{warm_up:?}");
    }
}
