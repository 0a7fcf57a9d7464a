//! Schemas of what is not as it looks: ids, times, money and JSON that is carried.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Json, LeaseId, ScheduleId, Seq, SessionId, TaskId, TaskRef, Timestamp, TokenId, Usd, WorkerId};

macro_rules! schemas {
    ($($type:ty: $name:literal = $schema:tt;)*) => {
        $(
            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    $name.into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

schemas! {
    TaskId: "TaskId" = {"type": "string", "format": "uuid"};
    WorkerId: "WorkerId" = {"type": "string", "format": "uuid"};
    SessionId: "SessionId" = {"type": "string", "format": "uuid"};
    ScheduleId: "ScheduleId" = {"type": "string", "format": "uuid"};
    TokenId: "TokenId" = {"type": "string", "format": "uuid"};
    LeaseId: "LeaseId" = {"type": "integer", "format": "int64"};
    Seq: "Seq" = {"type": "integer", "format": "int64"};
    Timestamp: "Timestamp" = {"type": "string", "format": "date-time"};
    Usd: "Usd" = {"type": "number", "format": "double", "minimum": 0};
    TaskRef: "TaskRef" = {"type": "string"};
    Json: "Json" = {};
}
