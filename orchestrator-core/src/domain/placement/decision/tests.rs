use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const UNTIL: Timestamp = Timestamp::from_micros(1_767_225_602_000_000);

/// A session that is idle and of which nothing is known.
fn candidate(number: u128) -> Candidate {
    Candidate {
        session: SessionId::from_uuid(Uuid::from_u128(number)),
        worker: WorkerId::from_uuid(Uuid::from_u128(number)),
        tools: 0.0,
        load: Load::default(),
        slots: 4,
        running: 0,
        home: false,
        tally: Tally::default(),
        draining: false,
        seen_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(15)),
    }
}

fn tally(successes: u32, failures: u32, dollars: f64) -> Tally {
    let mut observed = super::super::record::Observed::default();
    let worker = candidate(1).worker;
    for n in 0..successes + failures {
        observed.ended(worker, "a", n < successes, NOW);
        observed.spent(worker, "a", orchestrator_protocol::Usd::from_dollars(dollars), NOW);
    }
    observed.take(worker).expect("news").tally("a")
}

fn busy(cpu: f64, memory: f64) -> Load {
    Load {
        cpu_percent: Some(cpu),
        memory_percent: Some(memory),
        disk_percent: None,
    }
}

/// Whether the first is left nothing because the second suits a task better.
fn leaves(first: &Candidate, second: &Candidate) -> bool {
    let both = [first.clone(), second.clone()];
    matches!(
        decide(&both, 0, UNTIL, NOW, &Policy::default()),
        Decision::Leave { place: 1, until: UNTIL }
    )
}

#[test]
fn each_part_counts() {
    let plain = || candidate(2);
    let better: [(&str, Candidate); 6] = [
        ("tools", Candidate { tools: 1.0, ..plain() }),
        (
            "resources",
            Candidate {
                load: busy(0.0, 0.0),
                ..plain()
            },
        ),
        ("balance", plain()),
        ("affinity", Candidate { home: true, ..plain() }),
        ("success", plain()),
        (
            "cost",
            Candidate {
                tally: tally(5, 0, 0.1),
                ..plain()
            },
        ),
    ];
    for (part, better) in better {
        let mut worse = candidate(1);
        match part {
            "tools" => worse.tools = -1.0,
            "resources" => worse.load = busy(90.0, 20.0),
            "balance" => worse.running = 3,
            "success" => worse.tally = tally(1, 8, 0.0),
            "cost" => worse.tally = tally(5, 0, 1.0),
            _ => {}
        }
        assert!(leaves(&worse, &better), "{part}");
        assert!(!leaves(&better, &worse), "{part}, the other way round");
        // Nobody waits for one that cannot take it.
        let unfit = [
            (
                "full",
                Candidate {
                    running: 4,
                    ..better.clone()
                },
            ),
            (
                "draining",
                Candidate {
                    draining: true,
                    ..better.clone()
                },
            ),
            (
                "silent",
                Candidate {
                    seen_at: NOW.minus(Duration::from_secs(16)),
                    ..better.clone()
                },
            ),
            (
                "exhausted",
                Candidate {
                    load: busy(1.0, 96.0),
                    ..better.clone()
                },
            ),
        ];
        for (why, unfit) in unfit {
            assert!(!leaves(&worse, &unfit), "{part}, {why}");
            assert_eq!(passed_over(&unfit, NOW).map(PassedOver::as_str), Some(why));
        }
    }
}

#[test]
fn of_equals_the_one_that_asks_gets_it() {
    let nearly = Candidate {
        running: 1,
        ..candidate(1)
    };
    assert!(!leaves(&candidate(1), &candidate(2)));
    assert!(
        !leaves(&nearly, &candidate(2)),
        "the difference is smaller than the margin"
    );
    let old_session = Candidate {
        home: true,
        worker: candidate(1).worker,
        ..candidate(2)
    };
    assert!(
        !leaves(&candidate(1), &old_session),
        "nobody waits for an old session of their own"
    );
}

#[test]
fn weights_decide() {
    let far = Candidate {
        home: true,
        running: 3,
        ..candidate(2)
    };
    assert!(leaves(&candidate(1), &far));
    let balanced = Policy {
        affinity: 0.0,
        ..Policy::default()
    };
    let both = [candidate(1), far];
    assert!(matches!(decide(&both, 0, UNTIL, NOW, &balanced), Decision::Take(_)));
    assert!(matches!(
        decide(&both, 1, UNTIL, NOW, &balanced),
        Decision::Leave { place: 0, .. }
    ));
}

#[test]
fn what_decided_is_written_down() {
    let candidates = [
        Candidate {
            home: true,
            load: busy(20.0, 10.0),
            tools: 1.0,
            ..candidate(1)
        },
        Candidate {
            running: 1,
            ..candidate(2)
        },
        Candidate {
            running: 4,
            ..candidate(3)
        },
        Candidate {
            draining: true,
            ..candidate(4)
        },
    ];
    let Decision::Take(placement) = decide(&candidates, 0, UNTIL, NOW, &Policy::default()) else {
        panic!("it is the best");
    };
    insta::assert_json_snapshot!(placement, @r#"
    {
      "score": 98,
      "parts": {
        "tools": 100,
        "resources": 80,
        "balance": 100,
        "affinity": 100,
        "success": 100,
        "cost": 100
      },
      "compared": 2,
      "runner_up": {
        "worker_id": "00000000-0000-0000-0000-000000000002",
        "score": 48
      },
      "passed_over": {
        "draining": 1,
        "full": 1
      }
    }
    "#);
    assert_eq!(
        super::super::words(&placement, |_| Some("b".to_owned())),
        "it suits the task by 98 of 100 (tools 100, resources 80, free slots 100, affinity 100, success 100, cost 100); \
         the other one, `b`, by 48; passed over: 1 draining, 1 full"
    );
}

#[test]
fn a_head_start_is_bounded() {
    let policy = Policy::default();
    let at = |seconds: f64| NOW.plus(Duration::from_secs_f64(seconds));
    assert_eq!(head_start_ends(NOW, NOW, &policy), Some(UNTIL));
    assert_eq!(head_start_ends(NOW, at(1.9), &policy), Some(UNTIL));
    assert_eq!(head_start_ends(NOW, UNTIL, &policy), None);
    assert_eq!(head_start_ends(at(1.0), NOW, &policy), None, "a clock was set back");
    let never = Policy {
        head_start_s: 0.0,
        ..policy
    };
    assert_eq!(head_start_ends(NOW, NOW, &never), None);
}

fn any_candidate(number: u128) -> impl Strategy<Value = Candidate> {
    let loads = (0.0..100.0_f64, 0.0..100.0_f64);
    let counts = (1..6_u32, 0..7_u32, 0..4_u32, 0..4_u32);
    let marks = (any::<bool>(), proptest::bool::weighted(0.1), 0..16_u64);
    (-1.0..=1.0_f64, loads, counts, marks).prop_map(move |(tools, (cpu, memory), counts, marks)| {
        let (slots, running, successes, failures) = counts;
        let (home, draining, silent) = marks;
        Candidate {
            tools,
            load: busy(cpu, memory),
            slots,
            running,
            home,
            tally: if successes + failures > 0 {
                tally(successes, failures, 0.2)
            } else {
                Tally::default()
            },
            draining,
            seen_at: NOW.minus(Duration::from_secs(silent)),
            expires_at: NOW.plus(Duration::from_secs(15 - silent.min(15))),
            ..candidate(number)
        }
    })
}

proptest! {
    /// Among those that may take it, somebody does at once: nothing is left in a circle, nor for one that cannot take it.
    #[test]
    fn nothing_is_left_for_nobody(
        candidates in (2..8_usize).prop_flat_map(|n| (1..=n as u128).map(any_candidate).collect::<Vec<_>>()),
    ) {
        let policy = Policy::default();
        let mut takers = 0;
        for asking in 0..candidates.len() {
            match decide(&candidates, asking, UNTIL, NOW, &policy) {
                Decision::Take(placement) => {
                    takers += usize::from(passed_over(&candidates[asking], NOW).is_none());
                    prop_assert!(placement.score <= 100);
                    prop_assert!(placement.compared as usize + placement.passed_over.values().sum::<u32>() as usize
                        == candidates.len());
                }
                Decision::Leave { place, until } => {
                    prop_assert_ne!(place, asking);
                    prop_assert_eq!(passed_over(&candidates[place], NOW), None);
                    prop_assert_eq!(until, UNTIL);
                    // The one that it is left for takes it.
                    let then = decide(&candidates, place, UNTIL, NOW, &policy);
                    prop_assert!(matches!(then, Decision::Take(_)));
                }
            }
            // After the head start everyone does.
            let later = decide(&candidates, asking, NOW, NOW, &policy);
            prop_assert!(matches!(later, Decision::Take(_)));
        }
        let able = candidates.iter().any(|c| passed_over(c, NOW).is_none());
        prop_assert_eq!(takers > 0, able);
    }

    /// The favourite is who everyone else leaves a task for.
    #[test]
    fn the_favourite_is_left_alone(
        candidates in (2..6_usize).prop_flat_map(|n| (1..=n as u128).map(any_candidate).collect::<Vec<_>>()),
    ) {
        let policy = Policy::default();
        if let Some((best, _)) = favourite(&candidates, NOW, &policy) {
            for asking in (0..candidates.len()).filter(|place| *place != best) {
                let free = passed_over(&candidates[asking], NOW).is_none();
                let decision = decide(&candidates, asking, UNTIL, NOW, &policy);
                let left = matches!(decision, Decision::Leave { place, .. } if place == best);
                prop_assert!(left || !free);
            }
        }
    }
}
