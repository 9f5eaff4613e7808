//! Any order of starts and ends, against a plain model that looks at it from the end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const TRACES: usize = 3;
/// Longer than all steps together wait, so that no trace is slow before its root has ended.
const SLOW: Duration = Duration::from_secs(1_000);

#[derive(Clone, Debug)]
enum Step {
    Root {
        trace: usize,
    },
    /// Under the span that was started as this one of all.
    Child {
        of: prop::sample::Index,
    },
    /// Of the spans that are open, this one.
    End {
        of: prop::sample::Index,
        fails: bool,
        is_slow: bool,
    },
    /// A second passes.
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..TRACES).prop_map(|trace| Step::Root { trace }),
        3 => any::<prop::sample::Index>().prop_map(|of| Step::Child { of }),
        5 => (any::<prop::sample::Index>(), prop::bool::weighted(0.15), prop::bool::weighted(0.15))
            .prop_map(|(of, fails, is_slow)| Step::End { of, fails, is_slow }),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

/// What ended from the start of one root to the moment when nothing was open.
#[derive(Clone, Debug, Default)]
struct Local {
    ended: Vec<SpanId>,
    telling: Vec<SpanId>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Model {
    /// By trace: what is open now, and the local traces.
    traces: [(usize, Vec<Local>); TRACES],
}

impl Model {
    fn start(&mut self, trace: usize, is_root: bool) {
        let (open, locals) = &mut self.traces[trace];
        let joins = locals.last().is_some_and(|last| match last.telling.is_empty() {
            true => !last.is_over,
            false => *open > 0,
        });
        if is_root && !joins {
            locals.push(Local::default());
        }
        *open += 1;
    }

    fn end(&mut self, trace: usize, span: SpanId, tells: bool) {
        let (open, locals) = &mut self.traces[trace];
        *open -= 1;
        let local = locals.last_mut().unwrap();
        local.ended.push(span);
        if tells && !local.is_over {
            local.telling.push(span);
        }
        local.is_over |= *open == 0;
    }

    fn locals(&self) -> impl Iterator<Item = &Local> {
        self.traces.iter().flat_map(|(_, locals)| locals)
    }
}

struct Done {
    model: Model,
    /// The spans that ended and were sampled.
    straight: Vec<SpanId>,
    /// What came out.
    spans: Vec<SpanData>,
    dropped: TailDropped,
}

fn run(kit: &Kit, steps: &[Step], sampled: [bool; TRACES]) -> Done {
    let mut model = Model::default();
    let mut all: Vec<(usize, SpanContext)> = Vec::new();
    let mut open: Vec<(usize, bool, Span)> = Vec::new();
    let mut straight = Vec::new();
    for step in steps {
        match step {
            Step::Root { trace } => {
                let span = kit.under(&remote(*trace as u128 + 1, sampled[*trace]), "root");
                all.push((*trace, span.span_context().clone()));
                open.push((*trace, true, span));
                model.start(*trace, true);
            }
            Step::Child { of } if !all.is_empty() => {
                let (trace, parent) = of.get(&all).clone();
                let span = kit.under(&local(&parent), "child");
                all.push((trace, span.span_context().clone()));
                open.push((trace, false, span));
                model.start(trace, false);
            }
            Step::End { of, fails, is_slow } if !open.is_empty() => {
                let (trace, is_root, mut span) = open.swap_remove(of.index(open.len()));
                let id = span.span_context().span_id();
                if *fails {
                    span.set_status(Status::error("test"));
                }
                end_after(span, if *is_slow { SLOW * 2 } else { SLOW });
                model.end(trace, id, *fails || (is_root && *is_slow));
                if sampled[trace] {
                    straight.push(id);
                }
            }
            Step::Wait => kit.time.advance(SECOND),
            _ => {}
        }
        let sizes = kit.sizes();
        assert!(sizes.held <= kit.keeping.settings.max_spans);
        assert!(sizes.spans <= sizes.held);
        assert_eq!(sizes.traces, sizes.waiting + sizes.open + sizes.closed);
    }
    // before the spans that are still open end, with the time of day
    let spans = kit.exporter.get_finished_spans().unwrap();
    Done { model, straight, spans, dropped: kit.keeping.dropped() }
}

fn sorted(ids: impl IntoIterator<Item = SpanId>) -> Vec<[u8; 8]> {
    let mut ids: Vec<_> = ids.into_iter().map(SpanId::to_bytes).collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_exported_is_what_the_model_says(
        steps in steps(),
        sampled in prop::array::uniform3(prop::bool::weighted(0.2)),
    ) {
        let kit = Kit::new(TailKeeping::new().slower_than(SLOW).unwrap().max_wait(SLOW).unwrap());
        let Done { model, straight, spans, dropped: counted } = run(&kit, &steps, sampled);
        let kept = (0..TRACES)
            .filter(|trace| !sampled[*trace])
            .flat_map(|trace| &model.traces[trace].1)
            .filter(|local| !local.telling.is_empty())
            .flat_map(|local| local.ended.iter().copied());
        prop_assert_eq!(
            sorted(spans.iter().map(|span| span.span_context.span_id())),
            sorted(kept.chain(straight))
        );
        let is_plain = |span: &SpanData| span.attributes.is_empty();
        prop_assert!(spans.iter().all(|span| is_plain(span) && span.span_context.is_sampled()));
        prop_assert_eq!(counted, dropped(0, 0, 0));
    }

    #[test]
    fn within_tight_bounds_what_tells_is_exported_and_what_is_not_marked_is_whole(
        steps in steps(),
        max_spans in TRACES..8,
        per_trace in 1_usize..4,
    ) {
        let keeping = TailKeeping::new()
            .slower_than(SLOW)
            .and_then(|keeping| keeping.max_wait(SECOND * 3))
            .and_then(|keeping| keeping.max_spans(max_spans))
            .and_then(|keeping| keeping.max_spans_per_trace(per_trace))
            .unwrap();
        let kit = Kit::new(keeping);
        let Done { model, spans, dropped: counted, .. } = run(&kit, &steps, [false; TRACES]);
        let mark = KeyValue::new("tower_observability.trace.partial", true);
        let exported: BTreeMap<_, _> = spans
            .iter()
            .map(|span| {
                let is_marked = span.attributes.contains(&mark);
                (span.span_context.span_id().to_bytes(), is_marked)
            })
            .collect();
        prop_assert_eq!(exported.len(), spans.len());
        let mut lost = 0;
        let mut uneventful = 0;
        for local in model.locals() {
            let ended: BTreeSet<_> = local.ended.iter().map(|id| id.to_bytes()).collect();
            let found: Vec<_> = ended.iter().filter_map(|id| exported.get(id)).collect();
            if local.telling.is_empty() {
                prop_assert_eq!(found.len(), 0);
                uneventful += ended.len();
                continue;
            }
            for id in &local.telling {
                prop_assert!(exported.contains_key(&id.to_bytes()));
            }
            let is_marked = found.iter().any(|is_marked| **is_marked);
            prop_assert!(found.iter().all(|it| **it == is_marked));
            prop_assert!(is_marked || found.len() == ended.len());
            lost += (ended.len() - found.len()) as u64;
        }
        prop_assert!((lost..=lost + uneventful as u64).contains(&counted.spans));
    }
}
