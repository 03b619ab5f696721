"""What each metric counts, in which unit, and what to do about it: the help that goes with it."""

from collections.abc import Mapping

_QUEUE_RECEIPTS = "when high, add workers of the queue receipts"

MEANINGS: Mapping[str, str] = {
    "up": "1 while this part, Redis or the broker, answers; at 0, run dispatcher doctor",
    "redis_memory_used_bytes": (
        "Bytes the Redis of campaigns uses; above 80 % of its limit new campaigns are refused: "
        "raise it, or shorten DISPATCHER_RETENTION"
    ),
    "redis_memory_max_bytes": "Its limit in bytes; 0 for none, which is for demos only",
    "redis_log_ok": (
        "1 while its append-only file is on and written; at 0 a restart forgets what was sent: "
        "free its disk, run dispatcher doctor"
    ),
    "redis_replicas": (
        "Replicas that are connected; when fewer than DISPATCHER_REDIS_REPLICAS, nothing is sent: "
        "start them"
    ),
    "queue_messages": "Messages no worker took yet; when it grows, add workers of that queue",
    "queue_unacked": (
        "Messages taken and not acknowledged yet; when above all threads of all workers for long, "
        "workers died: they return by themselves"
    ),
    "campaigns": (
        "Campaigns, by state; when queued or quoting stay high, add workers of the queues dispatch "
        "and express"
    ),
    "campaign_oldest_seconds": (
        "Seconds the oldest campaign has been in this state; when high and not held, run "
        "dispatcher explain on it"
    ),
    "campaigns_held": (
        "Held campaigns, by what they wait for; credits need a top-up, approval and paused a "
        "person, time and window pass by themselves"
    ),
    "campaign_held_oldest_seconds": (
        "Seconds the oldest campaign has waited for this; when high, dispatcher explain tells what "
        "would end it"
    ),
    "campaigns_counted": (
        "1 when all campaigns are in these counts; at 0 ticks still enter older ones: wait"
    ),
    "batches": "Batches, by state; when unknown or doubtful grow, run dispatcher unknown list",
    "batches_waiting": (
        "Batches due to be quoted or sent, of campaigns that are not held; when above "
        "batches_paced for long, add workers"
    ),
    "batches_paced": (
        "Those of batches_waiting that no worker may take within seconds, for the account's rate, "
        "a pause the API asked for, a stop, or for others while they go one at a time; when "
        "high, more workers do not help"
    ),
    "batches_in_flight": (
        "Batches in a POST under way; when high for long, the API is slow: see api_call_seconds"
    ),
    "unknown_batches": (
        "Batches whose answer was lost; when they stay, settle them by dispatcher unknown"
    ),
    "unknown_credits": (
        "Credits that batches whose answer was lost were to cost, set aside until they are "
        "settled; when high, run dispatcher unknown list"
    ),
    "unknown_oldest_seconds": (
        "Seconds since the oldest of them was lost, 0 for none; above 900, evidence will hardly "
        "come: run dispatcher unknown list"
    ),
    "balance_credits": "Credits, as they are known here; when low, top the account up",
    "balance_age_seconds": (
        "Seconds since the API's word last changed the balance; high is usual while nobody sends"
    ),
    "reserved_credits": (
        "Credits set aside by campaigns; when near the balance, new campaigns will be held: top up"
    ),
    "exposed_credits": (
        "Credits of it in POSTs whose outcome is not recorded; when it stays high, run dispatcher "
        "unknown list"
    ),
    "spent_credits": "Credits debited by our sends, ever; when it rises unexpectedly, stop sends",
    "sends_blocked": (
        "1 while nothing is sent for this reason: parked, correct the credentials; stopped, "
        "dispatcher start; breaker, it tries by itself"
    ),
    "inbox_waiting": f"Packs of receipts or replies to be merged; {_QUEUE_RECEIPTS}",
    "inbox_oldest_seconds": f"Seconds the oldest of them has waited, 0 for none; {_QUEUE_RECEIPTS}",
    "replies_to_review": "Replies a person has to read; when above 0, run dispatcher replies",
    "receipts_parked": (
        "Packs of receipts that match nothing of ours; when it grows, something else sends on this "
        "account, or the webhook belongs to another stack"
    ),
    "malformed_bodies": (
        "Bodies nobody could read, by hook, ever; when it rises, run dispatcher doctor, and check "
        "the addresses given to SMSFactor"
    ),
    "alarms": (
        "Proofs that contradicted what was believed, the newest 10,000; when it rises, run "
        "dispatcher check on the campaigns that the board shows with alarms"
    ),
    "callbacks_waiting": (
        "Campaigns with a callback to be made or tried again; when it grows, the producer's "
        "endpoint fails or hangs: run dispatcher callbacks list"
    ),
    "callbacks_dead": (
        "Callbacks that were given up; when above 0, run dispatcher callbacks replay once the "
        "endpoint works"
    ),
    "outbox_events": (
        "Events kept for producers; high is usual: they go by age and number, read or not"
    ),
    "overdue": (
        "Things that should have moved by now, by kind; when it stays above 0, run dispatcher "
        "doctor, add workers"
    ),
    "lag_seconds": (
        "Seconds since the first of them should have moved, 0 for none; above 60, run dispatcher "
        "doctor, add workers"
    ),
    "tick_age_seconds": (
        "Seconds since the last tick; above some seconds, start dispatcher beat, and a worker of "
        "the queue control"
    ),
    "renudges": (
        "Campaigns that stood still and were nudged, ever; when it rises all the time, add workers"
    ),
    "leases_lost": (
        "Sends that left no trace, ever: their batches are unknown; when it rises, find out why "
        "workers die"
    ),
    "rate_budget": "Segments a second the account may send; no sample without a limit",
    "rate_effective": (
        "Segments a second let through after the API's last pause; when low for minutes, the rate "
        "is set too high"
    ),
    "rate_paused_seconds": (
        "Seconds for which nothing is sent, for the API asked for a pause (429); when high, wait"
    ),
    "rate_waits": (
        "Sends that waited for the rate, ever; high is usual: it is the rate that limits, and not "
        "the workers"
    ),
    "rate_waited_seconds": (
        "Seconds sends waited for the rate, ever; high is usual, as for rate_waits"
    ),
    "rate_lowered": (
        "Pauses the API asked for (429), ever; when it rises, lower DISPATCHER_ACCOUNTS__NAME__RATE"
    ),
    "api_calls": (
        "Calls of the API, by how they ended; when unreachable, unknown or too many requests rise, "
        "ask the provider"
    ),
    "api_call_seconds": (
        "Seconds that calls of the API took; when high, sends are slow: add workers, ask the "
        "provider"
    ),
    "task_turns": (
        "Tasks that were run, by how they ended; when failure rises, the worker's log tells why"
    ),
    "task_seconds": (
        "Seconds that tasks took; when high for campaigns.send, the API is slow: see "
        "api_call_seconds"
    ),
    "hints_given": (
        "Tasks that this process asked for; when it rises without task_turns, nobody takes them: "
        "add workers"
    ),
}
"""By name, without the prefix; a counter's without `_total`."""
