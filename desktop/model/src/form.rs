//! The form of a new task: what was written, and what is wrong with it.

use std::collections::BTreeMap;

use orchestrator_protocol::{
    Budget, CheckpointFrequency, Json, NewTask, Privacy, RetryPolicy, SideEffects, Usd, Worker, WorkerState,
};

use crate::{
    Failure,
    schema::{self, Filled, Spot},
};

/// A field that is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Which agent runs it.
    Type,
    /// What it is for.
    Description,
    /// What the agent gets.
    Input,
    /// Labels that a worker must offer.
    Requires,
    /// Labels that a worker should offer.
    Prefers,
    /// Free keys and values.
    Labels,
    /// The queue that it waits in.
    Queue,
    /// How often it may run.
    Attempts,
    /// Seconds before the second attempt.
    Backoff,
    /// The longest that one attempt may run.
    Timeout,
    /// Tokens that it may spend.
    Tokens,
    /// Dollars that it may spend.
    Dollars,
    /// A part of what the agent gets.
    Slot(Spot),
}

impl Field {
    /// All that are the same for every type.
    pub const ALL: [Self; 12] = [
        Self::Type,
        Self::Description,
        Self::Input,
        Self::Requires,
        Self::Prefers,
        Self::Labels,
        Self::Queue,
        Self::Attempts,
        Self::Backoff,
        Self::Timeout,
        Self::Tokens,
        Self::Dollars,
    ];

    /// What the server calls it.
    const fn wire(self) -> &'static str {
        match self {
            Self::Type => "task_type",
            Self::Description => "description",
            Self::Input | Self::Slot(_) => "input",
            Self::Requires => "requires",
            Self::Prefers => "prefers",
            Self::Labels => "labels",
            Self::Queue => "queue",
            Self::Attempts => "retry.max_attempts",
            Self::Backoff => "retry.initial_backoff_s",
            Self::Timeout => "timeout_s",
            Self::Tokens => "budget.tokens",
            Self::Dollars => "budget.cost_usd",
        }
    }
}

/// What a person has written.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    texts: BTreeMap<Field, String>,
    /// The input in fields; none while it is written as JSON.
    pub fields: Option<Filled>,
    /// 1 (first) to 10 (last).
    pub priority: u8,
    /// Who may see it.
    pub privacy: Privacy,
    /// How often agents should ask people.
    pub checkpoints: CheckpointFrequency,
    /// What running it twice would do.
    pub side_effects: SideEffects,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            texts: BTreeMap::new(),
            fields: None,
            priority: 5,
            privacy: Privacy::default(),
            checkpoints: CheckpointFrequency::default(),
            side_effects: SideEffects::default(),
        }
    }
}

/// What is wrong, by field.
pub type Wrong = BTreeMap<Field, String>;

impl Form {
    /// What is written in a field.
    pub fn text(&self, field: Field) -> &str {
        self.texts.get(&field).map_or("", String::as_str)
    }

    /// Something else is written in a field.
    pub fn set(&mut self, field: Field, text: String) {
        self.texts.insert(field, text);
    }

    /// Whether the person has written anything that would be a pity to lose.
    pub fn is_blank(&self) -> bool {
        self.texts.values().all(|text| text.trim().is_empty()) && self.fields.as_ref().is_none_or(Filled::is_blank)
    }

    /// The task that it describes, or everything that is wrong with it.
    ///
    /// # Errors
    ///
    /// What is wrong, by field.
    pub fn task(&self) -> Result<NewTask, Wrong> {
        let mut wrong = Wrong::new();
        let mut task = NewTask::new(self.text(Field::Type).trim(), Json::NULL);
        if task.task_type.is_empty() {
            wrong.insert(Field::Type, "Choose which agent runs it.".to_owned());
        }
        match self.fields.as_ref().map(Filled::json) {
            Some(Ok(input)) => task.input = input,
            Some(Err(mistakes)) => {
                let mistakes = mistakes.into_iter();
                wrong.extend(mistakes.map(|(spot, mistake)| (Field::Slot(spot), mistake)));
            }
            None => keep(&mut wrong, Field::Input, json(self.text(Field::Input)), &mut task.input),
        }
        keep(
            &mut wrong,
            Field::Labels,
            labels(self.text(Field::Labels)),
            &mut task.labels,
        );
        self.text(Field::Description).trim().clone_into(&mut task.description);
        task.requires = words(self.text(Field::Requires));
        task.prefers = words(self.text(Field::Prefers));
        let queue = self.text(Field::Queue).trim();
        if !queue.is_empty() {
            queue.clone_into(&mut task.queue);
        }
        task.priority = self.priority;
        task.privacy = self.privacy;
        task.checkpoint_frequency = self.checkpoints;
        task.side_effects = self.side_effects;
        let default = RetryPolicy::default();
        let attempts = self
            .whole(Field::Attempts, 1)
            .map(|n| n.map_or(default.max_attempts, clamp));
        keep(&mut wrong, Field::Attempts, attempts, &mut task.retry.max_attempts);
        let backoff = self
            .amount(Field::Backoff)
            .map(|s| s.unwrap_or(default.initial_backoff_s));
        keep(&mut wrong, Field::Backoff, backoff, &mut task.retry.initial_backoff_s);
        // The longest wait must not be shorter than the first.
        task.retry.max_backoff_s = default.max_backoff_s.max(task.retry.initial_backoff_s);
        keep(
            &mut wrong,
            Field::Timeout,
            self.amount(Field::Timeout),
            &mut task.timeout_s,
        );
        let mut budget = Budget::default();
        keep(
            &mut wrong,
            Field::Tokens,
            self.whole(Field::Tokens, 1),
            &mut budget.tokens,
        );
        let dollars = self
            .amount(Field::Dollars)
            .map(|dollars| dollars.map(Usd::from_dollars));
        keep(&mut wrong, Field::Dollars, dollars, &mut budget.cost_usd);
        task.budget = Some(budget).filter(|budget| *budget != Budget::default());
        if wrong.is_empty() { Ok(task) } else { Err(wrong) }
    }

    /// What is wrong with what is written so far: a field that is merely empty still is not.
    pub fn wrong_so_far(&self) -> Wrong {
        let mut wrong = self.task().err().unwrap_or_default();
        let written = self
            .fields
            .as_ref()
            .map(|fields| fields.mistakes(false))
            .unwrap_or_default();
        wrong.retain(|field, _| match field {
            Field::Slot(spot) => written.contains_key(spot),
            field => !self.text(*field).trim().is_empty(),
        });
        wrong
    }

    fn whole(&self, field: Field, least: u64) -> Result<Option<u64>, String> {
        let text = self.text(field).trim();
        if text.is_empty() {
            return Ok(None);
        }
        match text.replace(['_', ' '], "").parse::<u64>() {
            Ok(n) if n >= least => Ok(Some(n)),
            _ => Err(format!("Write a whole number from {least} on, or nothing.")),
        }
    }

    fn amount(&self, field: Field) -> Result<Option<f64>, String> {
        let text = self.text(field).trim();
        if text.is_empty() {
            return Ok(None);
        }
        match text.trim_start_matches('$').parse::<f64>() {
            Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Some(amount)),
            _ => Err("Write a number like 2.5, or nothing.".to_owned()),
        }
    }
}

fn clamp(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn keep<T>(wrong: &mut Wrong, field: Field, read: Result<T, String>, place: &mut T) {
    match read {
        Ok(value) => *place = value,
        Err(message) => drop(wrong.insert(field, message)),
    }
}

fn json(text: &str) -> Result<Json, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Json::NULL);
    }
    schema::json(text)
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split([',', '\n']).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pair = |word: String| match word.split_once([':', '=']) {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err(format!("`{word}` is not key:value.")),
    };
    words(text).into_iter().map(pair).collect()
}

/// What a server found wrong, by field, and what of it belongs to none of the form's fields.
pub fn refused(failure: &Failure) -> (Wrong, Vec<String>) {
    let (mut wrong, mut rest) = (Wrong::new(), Vec::new());
    for (name, message) in &failure.fields {
        let name = name.strip_prefix("tasks[0].").unwrap_or(name);
        let is = |field: &Field| {
            let after = name.strip_prefix(field.wire());
            after.is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
        };
        match Field::ALL.into_iter().find(is) {
            Some(field) => drop(wrong.entry(field).or_insert_with(|| message.clone())),
            None => rest.push(format!("{name}: {message}")),
        }
    }
    (wrong, rest)
}

/// A JSON text in lines, as it is edited.
pub fn pretty(json: &Json) -> String {
    if json.is_null() {
        return String::new();
    }
    crate::pretty::Pretty::new(json.get()).whole().trim_end().to_owned()
}

/// Who would run tasks of a type, in a line; none while no type is written.
pub fn offered(workers: &[Worker], task_type: &str) -> Option<Result<String, String>> {
    let task_type = task_type.trim();
    if task_type.is_empty() {
        return None;
    }
    let offers = |worker: &&Worker| worker.state == WorkerState::Online && worker.task_types.contains(task_type);
    let names: Vec<&str> = workers.iter().filter(offers).map(|worker| &*worker.name).collect();
    Some(match names.as_slice() {
        [] => Err("No worker that is connected offers this type: the task would wait for one.".to_owned()),
        [name] => Ok(format!("Offered by {name}.")),
        [one, two] => Ok(format!("Offered by {one} and {two}.")),
        [one, two, rest @ ..] => Ok(format!("Offered by {one}, {two} and {} more.", rest.len())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, testing::worker};

    fn filled(texts: &[(Field, &str)]) -> Form {
        let mut form = Form::default();
        for (field, text) in texts {
            form.set(*field, (*text).to_owned());
        }
        form
    }

    #[test]
    fn a_full_form_is_a_task() {
        let mut form = filled(&[
            (Field::Type, " review "),
            (Field::Description, "راجع 🚀\n"),
            (Field::Input, "{\"repo\": 1}"),
            (Field::Requires, "tool:ruff, gpu\nmemory_gb>=16"),
            (Field::Labels, "team: core, when=now"),
            (Field::Attempts, "5"),
            (Field::Backoff, "90"),
            (Field::Tokens, "100 000"),
            (Field::Dollars, "$2.5"),
        ]);
        form.priority = 1;
        let task = form.task().expect("a task");
        assert_eq!(
            (&*task.task_type, &*task.description, &*task.queue),
            ("review", "راجع 🚀", "default")
        );
        assert_eq!(task.requires, ["tool:ruff", "gpu", "memory_gb>=16"]);
        assert_eq!((&*task.labels["team"], &*task.labels["when"]), ("core", "now"));
        assert_eq!(
            (task.retry.max_attempts, task.retry.max_backoff_s, task.priority),
            (5, 90.0, 1)
        );
        let budget = task.budget.expect("a budget");
        assert_eq!(
            (budget.tokens, budget.cost_usd),
            (Some(100_000), Some(Usd::from_dollars(2.5)))
        );
    }

    #[test]
    fn only_the_type_is_needed_and_defaults_are_the_servers() {
        let task = filled(&[(Field::Type, "a")]).task().expect("a task");
        assert_eq!(task, NewTask::new("a", Json::NULL));
        let wrong = Form::default().task().expect_err("no type");
        assert_eq!(wrong.keys().collect::<Vec<_>>(), [&Field::Type]);
        assert!(Form::default().wrong_so_far().is_empty(), "nothing is written yet");
    }

    #[test]
    fn every_mistake_is_named_at_its_field() {
        let form = filled(&[
            (Field::Type, "a"),
            (Field::Input, "{\"a\":\n oops}"),
            (Field::Labels, "plain"),
            (Field::Attempts, "0"),
            (Field::Backoff, "-1"),
            (Field::Timeout, "NaN"),
            (Field::Tokens, "many"),
            (Field::Dollars, "1e999"),
        ]);
        let wrong = form.task().expect_err("mistakes");
        assert_eq!(wrong.len(), 7, "{wrong:?}");
        assert_eq!(wrong[&Field::Input], "Not JSON: expected value (line 2, column 2).");
        assert_eq!(form.wrong_so_far(), wrong);
        let deep = filled(&[(Field::Type, "a"), (Field::Input, &"[".repeat(200))]);
        assert_eq!(
            deep.task().expect_err("too deep")[&Field::Input],
            "This is nested too deep."
        );
    }

    #[test]
    fn what_the_server_refuses_is_shown_at_its_field() {
        let failure = Failure {
            fields: [
                ("requires[1]", "no label"),
                ("retry.max_attempts", "at least 1"),
                ("limits[0]", "odd"),
            ]
            .map(|(field, message)| (field.to_owned(), message.to_owned()))
            .into(),
            ..Failure::new(FailureKind::Refused, "wrong")
        };
        let (wrong, rest) = refused(&failure);
        assert_eq!(wrong[&Field::Requires], "no label");
        assert_eq!(wrong[&Field::Attempts], "at least 1");
        assert_eq!(rest, ["limits[0]: odd"]);
    }

    #[test]
    fn who_would_run_it() {
        let workers = [worker(1, "a"), worker(2, "b"), worker(3, "c")];
        assert_eq!(offered(&workers, ""), None);
        assert!(offered(&workers, "nobody").expect("a line").is_err());
        assert_eq!(
            offered(&workers, "review"),
            Some(Ok("Offered by a, b and 1 more.".to_owned()))
        );
    }
}
