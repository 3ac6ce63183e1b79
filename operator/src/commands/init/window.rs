//! Change windows as they are typed: `mon-thu 09:00-17:00`.

use crate::project::windows::Window;

/// A window, in the words of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct WindowArgument {
    days: Vec<&'static str>,
    from: String,
    to: String,
}

// === impl WindowArgument ===

impl WindowArgument {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected =
            "expected days and hours such as `mon-thu 09:00-17:00` or `mon,wed 22:00-02:00`";
        let (days, hours) = text.trim().split_once(' ').ok_or(expected)?;
        let (from, to) = hours.trim().split_once(['-', '–']).ok_or(expected)?;
        let mut named = Vec::new();
        for part in days.split(',') {
            let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
            let place = |day: &str| {
                DAYS.iter()
                    .position(|known| known.eq_ignore_ascii_case(day))
            };
            let (first, last) = (place(first).ok_or(expected)?, place(last).ok_or(expected)?);
            // `sat-mon` goes over the end of the week.
            let count = (last + DAYS.len() - first) % DAYS.len() + 1;
            named.extend(DAYS.iter().cycle().skip(first).take(count));
        }
        let window = Self {
            days: named,
            from: from.trim().into(),
            to: to.trim().into(),
        };
        let table = format!("window = {}", window.to_toml());
        let read: Result<toml::Table, _> = toml::from_str(&table);
        let read = read.map_err(|error| error.to_string())?;
        let read = read
            .into_iter()
            .next()
            .map(|(_, value)| value.try_into::<Window>());
        match read {
            Some(Ok(_)) => Ok(window),
            Some(Err(error)) => Err(error.message().to_owned()),
            None => Err(expected.into()),
        }
    }

    pub(super) fn to_toml(&self) -> String {
        let days: Vec<_> = self.days.iter().map(|day| format!("\"{day}\"")).collect();
        format!(
            "{{days = [{}], from = {}, to = {}}}",
            days.join(", "),
            super::template::quoted(&self.from),
            super::template::quoted(&self.to)
        )
    }
}

impl Default for WindowArgument {
    /// When most people who could help are at work, and the next day is a working day too.
    fn default() -> Self {
        Self {
            days: DAYS[..4].to_vec(),
            from: "09:00".into(),
            to: "17:00".into(),
        }
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
