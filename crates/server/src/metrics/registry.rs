//! The registry behind the metrics: one for each running service, nothing global.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{PoisonError, RwLock, Weak},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::{
    Metrics,
    list::{Kind, METRICS, Metric},
};

const ABOUT: Metadata<'static> = Metadata::new("tollhouse", Level::INFO, None);
/// Between two sortings of what was measured into its buckets; until then each measurement is kept by itself.
const SORT_EVERY: Duration = Duration::from_secs(5);

/// Hands out what counts; a copy counts the same.
pub struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Registry {
    /// With every metric of the list described.
    ///
    /// # Errors
    /// Never in a released binary: a histogram of the list without a bucket.
    pub fn of_the_list() -> anyhow::Result<Self> {
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS {
            if let Kind::Histogram(buckets) = metric.kind {
                let name = Matcher::Full(metric.name.to_owned());
                builder = builder.set_buckets_for_metric(name, buckets)?;
            }
        }
        let recorder = builder.build_recorder();
        for metric in METRICS {
            let (name, meaning) = (KeyName::from(metric.name), metric.meaning.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None, meaning),
                Kind::Gauge => recorder.describe_gauge(name, None, meaning),
                Kind::Histogram(_) => {
                    recorder.describe_histogram(name, Some(Unit::Seconds), meaning);
                }
            }
        }
        Ok(Self { handle: recorder.handle(), recorder })
    }

    /// `values` are those of the metric's labels, in their order.
    pub fn counter(&self, metric: &Metric, values: &[&str]) -> Counter {
        self.recorder.register_counter(&key(metric, values), &ABOUT)
    }

    pub fn gauge(&self, metric: &Metric, values: &[&str]) -> Gauge {
        self.recorder.register_gauge(&key(metric, values), &ABOUT)
    }

    pub fn histogram(&self, metric: &Metric, values: &[&str]) -> Histogram {
        self.recorder.register_histogram(&key(metric, values), &ABOUT)
    }

    /// All that was counted, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

fn key(metric: &Metric, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let labels = metric.labels.iter().zip(values);
    let labels: Vec<Label> =
        labels.map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(metric.name, labels)
}

/// Keeps the memory of the histograms bounded where nobody asks for them; ends with the service.
pub(super) async fn sort_measurements(metrics: Weak<Metrics>) {
    let mut timer = tokio::time::interval(SORT_EVERY);
    loop {
        timer.tick().await;
        let Some(metrics) = metrics.upgrade() else { return };
        metrics.registry.handle.run_upkeep();
    }
}

/// What is counted under labels of which not all are known before: made when first needed, then kept.
pub struct Family<K, H>(RwLock<HashMap<K, H>>);

impl<K, H> Default for Family<K, H> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Hash + Eq, H: Clone> Family<K, H> {
    pub fn get<Q>(&self, key: &Q, make: impl FnOnce() -> H) -> H
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            all.entry(key.to_owned()).or_insert_with(make).clone()
        })
    }
}
