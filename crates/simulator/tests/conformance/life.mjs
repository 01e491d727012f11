// A subscription's life through Stripe's Node client, against the running simulator.
//
// Takes SIMULATOR_URL and STRIPE_SECRET_KEY from the environment; ends with an error where anything is
// not as Stripe documents it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

// The client is installed where this is started, not beside this file.
const Stripe = createRequire(process.cwd() + "/")("stripe");

const url = new URL(process.env.SIMULATOR_URL);
const key = process.env.STRIPE_SECRET_KEY;
const address = { host: url.hostname, port: url.port, protocol: "http", telemetry: false };
const stripe = new Stripe(key, address);

const deliveries = [];
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    deliveries.push([Buffer.concat(parts), request.headers["stripe-signature"]]);
    response.end();
  });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const endpoint = await stripe.webhookEndpoints.create({
  url: `http://127.0.0.1:${server.address().port}/`,
  enabled_events: ["*"],
});

const clock = async (body) => {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  await fetch(new URL("/_sim/clock", url), request);
};

const product = await stripe.products.create({ name: "Pro" });
const price = await stripe.prices.create({
  currency: "usd",
  product: product.id,
  unit_amount: 2900,
  recurring: { interval: "month" },
});
const meter = await stripe.billing.meters.create({
  display_name: "Calls",
  event_name: "node_calls",
  default_aggregation: { formula: "sum" },
});
const metered = await stripe.prices.create({
  currency: "usd",
  product: product.id,
  unit_amount: 10,
  recurring: { interval: "month", usage_type: "metered", meter: meter.id },
});
const customer = await stripe.customers.create({
  email: "bea@example.com",
  payment_method: "pm_card_visa",
  invoice_settings: { default_payment_method: "pm_card_visa" },
});
const subscription = await stripe.subscriptions.create({
  customer: customer.id,
  items: [{ price: price.id }, { price: metered.id }],
  expand: ["latest_invoice.confirmation_secret", "latest_invoice.payments"],
});
assert.equal(subscription.status, "active");
assert.equal(subscription.latest_invoice.payments.data[0].amount_paid, 2900);

// The same key is the same request.
const twice = { idempotencyKey: "node-once" };
const first = await stripe.customers.create({ name: "Once" }, twice);
const again = await stripe.customers.create({ name: "Once" }, twice);
assert.equal(first.id, again.id);
await assert.rejects(stripe.customers.create({ name: "Other" }, twice), { type: "StripeIdempotencyError" });

await stripe.v2.billing.meterEvents.create({
  event_name: "node_calls",
  payload: { stripe_customer_id: customer.id, value: "7" },
});
const session = await stripe.v2.billing.meterEventSession.create();
const stream = new Stripe(session.authentication_token, address);
await stream.v2.billing.meterEventStream.create({
  events: [
    { event_name: "node_calls", payload: { stripe_customer_id: customer.id, value: "3" } },
    { event_name: "node_calls", payload: { stripe_customer_id: "cus_nobody", value: "3" } },
  ],
});
const told = await stripe.v2.core.events.list({ object_id: meter.id });
const [error] = told.data[0].data.reason.error_types;
assert.equal(error.code, "meter_event_customer_not_found");

await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
const preview = await stripe.invoices.createPreview({ subscription: subscription.id });
assert.equal(preview.total, 100);
await clock({ advance_seconds: 32 * 86400 });
const ended = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
assert.equal(ended.status, "canceled");
assert.equal(ended.latest_invoice.total, 100);
assert.equal(ended.latest_invoice.status, "paid");

await stripe.invoiceItems.create({ customer: customer.id, amount: 500, currency: "usd" });
const invoice = await stripe.invoices.create({
  customer: customer.id,
  pending_invoice_items_behavior: "include",
});
const paid = await stripe.invoices.pay(invoice.id);
assert.equal(paid.status, "paid");

const names = [];
for await (const listed of stripe.invoices.list({ customer: customer.id, limit: 1 })) {
  names.push(listed.number);
}
assert.equal(names.length, 3);

await assert.rejects(
  stripe.paymentIntents.create({ amount: 100, currency: "usd", confirm: "perhaps" }),
  { type: "StripeInvalidRequestError", param: "confirm" },
);
const disputed = await stripe.paymentIntents.create({
  amount: 100,
  currency: "usd",
  payment_method: "pm_card_createDispute",
  confirm: true,
});
const disputes = await stripe.disputes.list({ payment_intent: disputed.id });
const closed = await stripe.disputes.update(disputes.data[0].id, {
  evidence: { uncategorized_text: "winning_evidence" },
});
assert.equal(closed.status, "won");

const expected = [
  "customer.subscription.created",
  "customer.subscription.deleted",
  "invoice.paid",
  "charge.dispute.funds_reinstated",
];
const seen = new Set();
for (let attempt = 0; attempt < 100 && !expected.every((type) => seen.has(type)); attempt += 1) {
  for (const [body, signature] of deliveries) {
    seen.add(stripe.webhooks.constructEvent(body, signature, endpoint.secret).type);
  }
  await sleep(100);
}
assert.deepEqual(expected.filter((type) => !seen.has(type)), []);
assert.throws(() => stripe.webhooks.constructEvent(deliveries[0][0], deliveries[0][1], "whsec_other"));
await stripe.webhookEndpoints.del(endpoint.id);
server.close();
console.log(`Node client ${Stripe.PACKAGE_VERSION}: a subscription's life, ${deliveries.length} webhooks`);
