//! Questions on the terminal, each with what was answered before.

use anyhow::{Result, bail};
use dialoguer::{Confirm, Input, MultiSelect, Select};

/// A line of text. What was answered before stands there to be mended.
pub(super) fn text(question: &str, before: &str) -> Result<String> {
    let input = Input::<String>::new()
        .with_prompt(question)
        .with_initial_text(before);
    Ok(input.interact_text()?.trim().to_owned())
}

/// A line that is read as something; asked again until it is.
pub(super) fn parsed<T>(
    question: &str,
    usual: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T> {
    let input = Input::<String>::new()
        .with_prompt(question)
        .default(usual.to_owned());
    let input = input.validate_with(|text: &String| parse(text.trim()).map(drop));
    let text = input.interact_text()?;
    parse(text.trim()).map_err(anyhow::Error::msg)
}

/// One of several; the first unless another is chosen.
pub(super) fn one_of<T: Clone>(question: &str, choices: &[(String, T)]) -> Result<T> {
    let items = choices.iter().map(|(text, _)| text);
    let select = Select::new().with_prompt(question).items(items).default(0);
    let chosen = select.interact_opt()?.and_then(|index| choices.get(index));
    match chosen {
        Some((_, chosen)) => Ok(chosen.clone()),
        None => bail!("{LEFT}"),
    }
}

/// Some of several, or none.
pub(super) fn some_of<T: Clone>(question: &str, choices: &[(String, T)]) -> Result<Vec<T>> {
    let items = choices.iter().map(|(text, _)| text);
    let select = MultiSelect::new().with_prompt(question).items(items);
    let Some(chosen) = select.interact_opt()? else {
        bail!("{LEFT}");
    };
    let chosen = chosen.into_iter().filter_map(|index| choices.get(index));
    Ok(chosen.map(|(_, chosen)| chosen.clone()).collect())
}

pub(super) fn yes(question: &str, usual: bool) -> Result<bool> {
    let confirm = Confirm::new().with_prompt(question).default(usual);
    match confirm.interact_opt()? {
        Some(yes) => Ok(yes),
        None => bail!("{LEFT}"),
    }
}

/// Escape.
const LEFT: &str = "left: nothing was declared";
