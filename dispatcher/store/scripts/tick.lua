-- Finds what should have moved: sends without a trace become unknown, batches whose list nobody reads
-- any more, or whose slot nobody waits for, wait again, sent campaigns whose
-- receipts are overdue finish, and campaigns that stand still are named for a nudge.
-- ARGV: limit. Replies {held campaigns, receipts to merge, replies to link, campaigns whose lists are
-- to be cleaned, batches to be taken back, schedules that are due, checks that are due, batches of
-- which people are to be named, id, state, due batches, ...}.
local limit = tonumber(ARGV[1])

-- Takes secrets out of where earlier versions keep them, a day after they were copied: by then, none of
-- their processes asks there any more, and would make another.
local function part_secrets()
  local f = redis.call('HMGET', ACCOUNT, 'receipt_key', 'suppression_key', 'parted_at')
  if not (f[1] or f[2]) then return end
  if not f[3] then redis.call('HSET', ACCOUNT, 'parted_at', now) end
  local is_past = f[3] and now >= f[3] + SECRETS_PARTED_MS
  for i, name in ipairs({ 'receipt_key', 'suppression_key' }) do
    if f[i] then redis.call('SET', key(K[name]), f[i], 'NX') end
    if f[i] and is_past and redis.call('GET', key(K[name])) == f[i] then
      redis.call('HDEL', ACCOUNT, name)
    end
  end
end

-- Gives since when the first entry of a stream has been there; nothing when it is empty.
local function first_of(stream)
  local entry = redis.call('XRANGE', key(stream), '-', '+', 'COUNT', 1)[1]
  return entry and tonumber(string.match(entry[1], '^%d+')) or nil
end

-- Puts what is shown of keys that hold texts and numbers where whoever watches may look.
local function leave_glance()
  local newest = {}
  for _, id in ipairs(redis.call('ZREVRANGE', key(K.campaigns), 0, GLANCED_AT - 1)) do
    local f = redis.call('HMGET', key(K.campaign, id), 'state', 'hold', 'recipients', 'batches', 'cost',
      'alarms', 'changed_at', 'batches:' .. B.ready, 'batches:' .. B.sending, 'batches:' .. B.unknown)
    local settled = number(f[4]) - number(f[8]) - number(f[9]) - number(f[10])
    if f[1] then
      newest[#newest + 1] = { id, f[1], f[2] or '', number(f[3]), number(f[4]), settled, number(f[5]),
        number(f[6]), number(f[7]) }
    end
  end
  redis.call('SET', key(K.glance), cmsgpack.pack({ receipts = first_of(K.receipts),
    replies = first_of(K.posted_replies), newest = newest }))
end

part_secrets()
redis.call('HSET', ACCOUNT, 'ticked_at', now)
local GONE = { ['1'] = 'the worker that read its list is gone', slot = 'the worker that waited for its slot is gone' }
redis.call('ZREMRANGEBYSCORE', key(K.slots), '-inf', now - WINDOW_MS)
local is_paced = redis.call('HEXISTS', ACCOUNT, 'rate') == 1
redis.call('ZREMRANGEBYSCORE', key(K.ended), '-inf', now - ENDED_KEPT_MS)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', key(K.inflight), '-inf', now, 'LIMIT', 0, limit)) do
  local id, n = string.match(name, '^(.*)/(%d+)$')
  local f = redis.call('HMGET', key(K.batch, id, n), 'state', 'reading', 'quote')
  if f[1] == B.sending and f[2] then
    if give_back(id, tonumber(n), number(f[3]), GONE[f[2]], 0) then go_on(id) end
    progress(id)
  elseif f[1] == B.sending then
    redis.call('HSET', key(K.batch, id, n), 'why', 'no trace after the claim', 'traceless', 1)
    move_batch(id, tonumber(n), B.unknown, 'no trace after the claim')
    account_add('leases_lost', 1)
    progress(id)
  else
    redis.call('ZREM', key(K.inflight), name)
    alarm(id, n, 'listed as in flight, and is not')
  end
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', key(K.due), '-inf', now, 'LIMIT', 0, limit)) do
  local id, n = string.match(name, '^(.*)/(%d+)$')
  move_batch(id, tonumber(n), B.accepted, 'its time has come')
  progress(id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.deadlines), '-inf', now, 'LIMIT', 0, limit)) do expire(id) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.alarm_clock), '-inf', now, 'LIMIT', 0, limit)) do
  redis.call('ZREM', key(K.alarm_clock), id)
  on_quoted(id)
  look_again(id, now)
end

trim_outboxes(limit)
enter_some(ENTERED_AT_ONCE)

local found = { redis.call('ZCARD', key(K.held)), redis.call('XLEN', key(K.receipts)),
  redis.call('XLEN', key(K.posted_replies)),
  redis.call('ZCOUNT', key(K.cleanup), '-inf', now), redis.call('ZCOUNT', key(K.withdrawals), '-inf', now),
  redis.call('ZCOUNT', key(K.schedules_due), '-inf', now) + redis.call('ZCOUNT', key(K.awaited), '-inf', now),
  now < number(redis.call('HGET', ACCOUNT, 'checks_from')) and 0 or redis.call('ZCOUNT', key(K.checks), '-inf', now),
  is_limited() and 0 or redis.call('ZCOUNT', key(K.unnamed), '-inf', now) }
-- All recipients of a campaign are recounted when it finishes, and nobody else is served meanwhile.
local recounted, nudged = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.agenda), '-inf', now, 'LIMIT', 0, limit)) do
  local f = redis.call('HMGET', key(K.campaign, id), 'state', 'nudge_after')
  if f[1] == C.sent and recounted > MOST_RECOUNTED then
    look_again(id, now)
  elseif f[1] == C.sent then
    recounted = recounted + number(redis.call('HGET', key(K.campaign, id), 'recipients'))
    redis.call('HSET', key(K.campaign, id), 'receipts_overdue', awaited(id))
    redis.call('ZREM', key(K.agenda), id)
    finish(id)
  elseif f[1] == C.queued or f[1] == C.quoting or f[1] == C.sending then
    look_again(id, now + number(f[2]))
    local waits_for_slot = is_paced and f[1] == C.sending
    if not waits_for_slot then nudged = nudged + 1 end
    found[#found + 1] = id
    found[#found + 1] = f[1]
    -- Whoever has a slot calls for the next worker, so one begins the chain; more would only ask in vain.
    local due = redis.call('ZCOUNT', key(K.waiting, id), '-inf', now)
    found[#found + 1] = waits_for_slot and math.min(due, 1) or due
  else
    redis.call('ZREM', key(K.agenda), id)
  end
end
if nudged > 0 then account_add('renudges', nudged) end
leave_glance()
return found
