//! What workers say of the tasks they hold: words of the protocol, since most workers are far away.

pub use orchestrator_protocol::{
    ChildRef, ChildSpec, Group, History, ReportAck, ReportBody, ReportItem, Settled, StepRecord,
};
