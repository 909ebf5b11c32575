//! The metrics of a run, kept in memory for the reports.

use std::collections::HashMap;

use burn::train::logger::MetricLogger;
use burn::train::metric::store::{EpochSummary, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, MetricId, NumericEntry};

/// Burn's logger in memory counts epochs from the first that it sees, which a resumed run does
/// not start with; its logger in files panics where it cannot write.
#[derive(Debug, Default)]
pub(crate) struct History {
    names: HashMap<MetricId, String>,
    values: HashMap<(String, usize, Split), Vec<NumericEntry>>,
}

impl MetricLogger for History {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        for update in update.entries_numeric {
            let entry = update.entry;
            let Some(name) = self.names.get(&entry.metric_id) else {
                continue;
            };
            let Ok(value) = NumericEntry::deserialize(&entry.serialized_entry.serialized) else {
                continue;
            };
            let values = self
                .values
                .entry((name.clone(), epoch, split.clone()))
                .or_default();
            // The epoch's own value takes the place of those of its batches.
            if matches!(value, NumericEntry::Final(_)) {
                values.clear();
            }
            values.push(value);
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let key = (name.to_owned(), epoch, split.clone());
        Ok(self.values.get(&key).cloned().unwrap_or_default())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        let name = definition.name.to_string();
        self.names.insert(definition.metric_id, name);
    }

    fn log_epoch_summary(&mut self, _summary: EpochSummary) {}
}
