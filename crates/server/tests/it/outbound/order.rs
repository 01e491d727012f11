//! In order for each tenant, and no tenant waits for another.

use serde_json::json;
use tollhouse_domain::event::EventType;

use super::{Receiver, deliveries, endpoint, happens, numbers, path};
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn a_later_event_waits_for_the_earlier_one_and_other_tenants_do_not(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        // The second event of one tenant is not taken before the fourth attempt.
        let mut failures = 0;
        let troubled = acme.to_string();
        receiver.answer(move |message| {
            let fails = message.tenant() == troubled && message.sequence() == 2 && failures < 3;
            failures += i32::from(fails);
            if fails { 500 } else { 200 }
        });
        for _ in 0..3 {
            happens(app, acme, EventType::SlotClaimed).await;
            happens(app, birch, EventType::SlotClaimed).await;
        }
        app.settle().await;
        assert_eq!(numbers(&receiver.messages(), birch), [1, 2, 3, 4]);
        assert_eq!(numbers(&receiver.messages(), acme), [1, 2]);
        let waiting = deliveries(app, &made, "&state=pending").await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((&waiting[0]["sequence"], &waiting[0]["status"]), (&json!(2), &json!(500)));

        for seconds in [6, 36, 150] {
            happens(app, acme, EventType::SlotReleased).await;
            app.advance(seconds).await;
        }
        assert_eq!(numbers(&receiver.messages(), acme), [1, 2, 2, 2, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(&receiver.taken(), acme), [1, 2, 3, 4, 5, 6, 7]);
        let ids = |sequence| -> Vec<_> {
            let all = receiver.messages().into_iter();
            let same = all.filter(|m| m.tenant() == acme.to_string() && m.sequence() == sequence);
            same.map(|message| message.id().to_owned()).collect()
        };
        assert!(ids(2).iter().all(|id| *id == ids(2)[0]), "one id at every attempt");
        assert!(deliveries(app, &made, "&state=pending").await.is_empty());
        let second = deliveries(app, &made, &format!("&tenant_id={acme}")).await[5].clone();
        assert_eq!((&second["sequence"], &second["attempts"]), (&json!(2), &json!(4)));
        assert_eq!(second["state"], "delivered");
    }

    async fn whatever_fails_each_tenant_is_told_in_order_and_of_everything(app: &TestApp) {
        for seed in 0..5 {
            let mut chance = fastrand::Rng::with_seed(seed);
            let receiver = Receiver::start().await;
            let made = endpoint(app, &receiver).await;
            let mut answers = fastrand::Rng::with_seed(seed + 100);
            receiver.answer(move |_| *answers.choice(&[200, 200, 404, 429, 500, 302]).unwrap());
            let tenants = [app.tenant("A").await, app.tenant("B").await, app.tenant("C").await];
            for _ in 0..12 {
                happens(app, tenants[chance.usize(0..3)], EventType::SlotClaimed).await;
                app.app.clock.advance(chance.i64(0..100));
                if chance.bool() {
                    app.settle().await;
                }
            }
            receiver.answer(|_| 200);
            app.advance(7200).await;
            let mut told = 0;
            for tenant in tenants {
                let taken = numbers(&receiver.taken(), tenant);
                let expected: Vec<i64> = (1..).take(app.history(tenant).await.len()).collect();
                assert_eq!(taken, expected, "seed {seed}");
                // Attempts never run ahead of what was taken.
                assert!(numbers(&receiver.messages(), tenant).is_sorted(), "seed {seed}");
                told += taken.len();
            }
            assert_eq!(deliveries(app, &made, "&state=delivered").await.len(), told);
            app.call("DELETE", &path(&made, "")).bearer(&app.operator()).await.expect(204);
        }
    }

    async fn a_long_history_is_sent_to_its_end(app: &TestApp) {
        let receiver = Receiver::start().await;
        endpoint(app, &receiver).await;
        let tenant = app.tenant("Acme").await;
        for _ in 0..65 {
            happens(app, tenant, EventType::SlotClaimed).await;
        }
        app.settle().await;
        assert_eq!(numbers(&receiver.messages(), tenant), (1..=66).collect::<Vec<i64>>());
    }
}
