//! Counters and gauges, read from Prometheus' text format.

/// Everything that Envoy and the filter count.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    samples: Vec<Sample>,
}

/// One number and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    /// In the order of the text.
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

// === impl Stats ===

impl Stats {
    /// Reads the text format; lines that are no samples are left out.
    pub fn read(text: &str) -> Self {
        Self {
            samples: text.lines().filter_map(Sample::read).collect(),
        }
    }

    /// The sum of all samples of this name with these labels; zero if there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        // Adding to zero, because the sum of no floats is minus zero.
        self.matching(name, labels)
            .fold(0.0, |sum, sample| sum + sample.value)
    }

    /// The one sample of this name with these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut matching = self.matching(name, labels);
        let first = matching.next()?;
        matching.next().is_none().then_some(first.value)
    }

    /// All samples whose name starts with this.
    pub fn named(&self, prefix: &str) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.name.starts_with(prefix))
    }

    fn matching(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|&(key, value)| sample.label(key) == Some(value))
        })
    }
}

// === impl Sample ===

impl Sample {
    pub fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, _)| label == key);
        found.map(|(_, value)| value.as_str())
    }

    /// `name{key="value",…} 12`. Label values with quotes in them do not occur in Breakglass.
    fn read(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        if series.starts_with('#') {
            return None;
        }
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (series, ""),
        };
        let labels = labels
            .split_terminator("\",")
            .filter_map(|label| {
                let (key, value) = label.split_once("=\"")?;
                Some((key.to_owned(), value.trim_end_matches('"').to_owned()))
            })
            .collect();
        Some(Self {
            name: name.to_owned(),
            labels,
            value: value.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_name_and_labels() {
        let stats = Stats::read(
            "# TYPE a_total counter\na_total{rollout=\"x.y\",arm=\"canary\"} 3\na_total{rollout=\"x.y\",arm=\"stable\"} 4\nb{} 5\nc 6\n",
        );
        assert_eq!(stats.value("a_total", &[("arm", "canary")]), Some(3.0));
        assert_eq!(
            stats.value("a_total", &[("rollout", "x.y")]),
            None,
            "two samples"
        );
        assert_eq!(stats.sum("a_total", &[("rollout", "x.y")]), 7.0);
        assert_eq!(
            (stats.value("b", &[]), stats.value("c", &[])),
            (Some(5.0), Some(6.0))
        );
        assert_eq!(stats.sum("nothing", &[]), 0.0);
    }
}
