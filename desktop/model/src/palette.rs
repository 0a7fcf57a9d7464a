//! What can be found by typing: commands, and whatever has a name.

/// Something that can be found, under its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// What it is.
    pub value: T,
    /// Its name.
    pub name: String,
    /// More about it, not searched for.
    pub note: String,
}

/// How well a name fits what is typed, the higher the better; none when it does not. Every word must begin somewhere
/// in the name or be spelled by its letters in order.
pub fn fit(name: &str, typed: &str) -> Option<i32> {
    let name = name.to_lowercase();
    let mut all = 0;
    for word in typed.to_lowercase().split_whitespace() {
        all += match name.find(word) {
            Some(0) => 100 + whole(&name, word.len()),
            Some(at) if !name[..at].ends_with(char::is_alphanumeric) => 80 + whole(&name, at + word.len()),
            Some(_) => 50,
            None => letters(&name, word)?,
        };
    }
    Some(all - (name.chars().count() / 8) as i32)
}

/// A whole word is better than the beginning of one.
fn whole(name: &str, end: usize) -> i32 {
    if name[end..].starts_with(char::is_alphanumeric) {
        0
    } else {
        5
    }
}

fn letters(name: &str, word: &str) -> Option<i32> {
    let mut rest = name.chars();
    let mut gaps = 0;
    for letter in word.chars() {
        gaps += rest.position(|other| other == letter)? as i32;
    }
    Some(30 - gaps.min(29))
}

/// What fits, the best first; of equals the first.
pub fn matching<'e, T>(entries: &'e [Entry<T>], typed: &str, most: usize) -> Vec<&'e Entry<T>> {
    let mut fitting: Vec<(i32, &Entry<T>)> = entries
        .iter()
        .filter_map(|entry| Some((fit(&entry.name, typed)?, entry)))
        .collect();
    if !typed.trim().is_empty() {
        fitting.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
    }
    fitting.into_iter().take(most).map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_best_comes_first() {
        let entries: Vec<Entry<u8>> = ["Go to tasks", "New task", "Cancel the task", "Settings", "Überblick"]
            .into_iter()
            .enumerate()
            .map(|(n, name)| Entry {
                value: n as u8,
                name: name.to_owned(),
                note: String::new(),
            })
            .collect();
        let names = |typed: &str| -> Vec<&str> { matching(&entries, typed, 9).iter().map(|e| &*e.name).collect() };
        assert_eq!(names("new"), ["New task"]);
        assert_eq!(names("task")[0], "New task");
        assert_eq!(names("gtt"), ["Go to tasks"]);
        assert_eq!(names("ÜB"), ["Überblick"]);
        assert_eq!(names("task go"), ["Go to tasks"]);
        assert_eq!(names("  ").len(), 5);
        assert!(names("xyz").is_empty());
    }
}
