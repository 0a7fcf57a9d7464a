//! How an address is called: a misspelt filter must not answer with everything.

use std::{collections::BTreeSet, sync::Arc};

use poem::{
    Endpoint, FromRequest, Middleware, Request, Result, error::MethodNotAllowedError, http::Method, web::Query,
};
use serde_json::Value;

use crate::problem::Failure;

/// The parameters of every operation, as the document has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Arc<[Operation]>);

#[derive(Debug)]
struct Operation {
    method: Method,
    /// The parts of its path; none stands for any.
    path: Vec<Option<String>>,
    names: BTreeSet<String>,
}

impl Parameters {
    /// Those of a document.
    pub(crate) fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.filter_map(|(method, operation)| Operation::of(path, method, operation))
        });
        Self(operations.collect())
    }

    /// The first parameter that an operation does not take, and those that it does. None too where no operation is called:
    /// whoever finds that says so.
    fn stranger(&self, method: &Method, path: &str, given: &[(String, String)]) -> Option<Failure> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let called = |operation: &&Operation| operation.method == *method && operation.is_at(path);
        let operation = self.0.iter().find(called)?;
        let repeated = |(n, (name, _)): &(usize, &(String, String))| given[..*n].iter().any(|(known, _)| known == name);
        if let Some((_, (name, _))) = given.iter().enumerate().find(repeated) {
            return Some(Failure::field(name.clone(), "is given twice"));
        }
        let (name, _) = given.iter().find(|(name, _)| !operation.names.contains(name))?;
        let known: Vec<&str> = operation.names.iter().map(String::as_str).collect();
        let message = if known.is_empty() {
            "is not a parameter; there are none here".to_owned()
        } else {
            format!("is not a parameter; there are {}", known.join(", "))
        };
        Some(Failure::field(name.clone(), message))
    }
}

impl Parameters {
    /// What to say to whoever calls an address by another method than its own.
    fn other_method(&self, path: &str) -> Failure {
        let at = self.0.iter().filter(|operation| operation.is_at(path));
        let mut methods: Vec<&str> = at.map(|operation| operation.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        Failure::other_method(methods.join(", "))
    }
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Option<Self> {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
        let part = |part: &str| (!part.starts_with('{')).then(|| part.to_owned());
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_query = parameters.filter(|parameter| parameter["in"] == "query");
        Some(Self {
            method,
            path: parts(path).map(part).collect(),
            names: in_query
                .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                .collect(),
        })
    }

    fn is_at(&self, path: &str) -> bool {
        let mut given = parts(path);
        let known = self.path.iter();
        known.into_iter().all(|known| {
            given
                .next()
                .is_some_and(|given| known.as_ref().is_none_or(|known| known == given))
        }) && given.next().is_none()
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/')
}

impl<E: Endpoint> Middleware<E> for Parameters {
    type Output = Checked<E>;

    fn transform(&self, inner: E) -> Checked<E> {
        Checked {
            inner,
            parameters: self.clone(),
        }
    }
}

/// Refuses parameters that an operation does not take.
pub(crate) struct Checked<E> {
    inner: E,
    parameters: Parameters,
}

impl<E: Endpoint> Endpoint for Checked<E> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> Result<E::Output> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            let Query(given) = Query::<Vec<(String, String)>>::from_request_without_body(&request).await?;
            if let Some(failure) = self.parameters.stranger(request.method(), request.uri().path(), &given) {
                return Err(failure.into());
            }
        }
        let uri = request.uri().clone();
        let answer = self.inner.call(request).await;
        answer.map_err(|error| {
            if error.is::<MethodNotAllowedError>() {
                self.parameters.other_method(uri.path()).into()
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_named_with_those_that_are_known() {
        let document = r#"{"paths": {
            "/tasks": {"get": {"parameters": [{"name": "state", "in": "query"}, {"name": "q", "in": "query"}]},
                       "post": {}},
            "/tasks/{task_id}": {"get": {"parameters": [{"name": "task_id", "in": "path"}]}}}}"#;
        let parameters = Parameters::of(document);
        let refused = |method: &Method, path: &str, name: &str| {
            let given = [("q".to_owned(), String::new()), (name.to_owned(), String::new())];
            parameters
                .stranger(method, path, &given)
                .map(|failure| failure.0.detail)
        };
        assert_eq!(refused(&Method::GET, "/tasks", "state"), None);
        let detail = refused(&Method::GET, "/tasks/", "stat").expect("a stranger");
        assert!(detail.starts_with("stat: ") && detail.ends_with("q, state"), "{detail}");
        assert!(refused(&Method::POST, "/tasks", "x").is_some_and(|detail| detail.contains("none here")));
        assert!(refused(&Method::GET, "/tasks/7", "task_id").is_some());
        assert!(refused(&Method::GET, "/tasks", "q").is_some_and(|detail| detail.contains("twice")));
        let detail = parameters.other_method("/tasks").0.detail;
        assert!(detail.contains("GET, POST, HEAD"), "{detail}");
        for (method, path) in [(Method::PUT, "/tasks"), (Method::GET, "/tasks/7/8"), (Method::GET, "/")] {
            assert_eq!(refused(&method, path, "x"), None, "{method} {path}");
        }
    }
}
