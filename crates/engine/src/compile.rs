//! `model.compile(shape)`.

use burn_zoo_core::{Classifier, Error};

use crate::{Plan, Precision};

/// Compiling for every [`Classifier`].
pub trait Compile: Classifier {
    /// The forward pass for images of `[batch, channels, height, width]`, as fast as it goes.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] if such images do not fit the network.
    fn compile(&self, shape: [usize; 4]) -> Result<Plan, Error> {
        self.compile_as(shape, Precision::Fast)
    }

    /// As [`Compile::compile`], with a choice of precision.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] if such images do not fit the network.
    fn compile_as(&self, shape: [usize; 4], precision: Precision) -> Result<Plan, Error>;
}

impl<M: Classifier + 'static> Compile for M {
    fn compile_as(&self, shape: [usize; 4], precision: Precision) -> Result<Plan, Error> {
        self.input().check(shape)?;
        Ok(Plan::capture(self, shape, precision, M::forward))
    }
}
