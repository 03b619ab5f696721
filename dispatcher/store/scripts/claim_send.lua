-- Takes the next batch to send: from here on it counts as perhaps sent, or, if it goes to lists that
-- are read first or waits for its slot, from `begin_post` on. ARGV: id, operation token, deadline ms, the
-- same when lists are to be read, segments a second the account may send, or 0 for any, and how many ms
-- more than usual there is to do before a slot. With such a budget the batch may be another campaign's,
-- whose turn it is.
-- The same token gets the same batch again, so a lost
-- reply can be asked for anew by the attempt that lost it, which has not sent yet.
-- Replies {what} or {'claimed', n, attempt, packed recipients, message, lists, fates, first
-- sequence, progress of the upload to a list, ms when to send or 0 for now,
-- what becomes of it outside the hours of advertising, or '', version of the suppression list that
-- was heeded, and now, campaign, ms of its slot or 0, 1 when it is not perhaps sent yet,
-- the campaign that it sends again, or '', ms more than usual before its slot that it is to be taken up, ms of now}.
local asked, op, deadline, rate, early = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5]), 0

if rate > 0 then early = early_of(tonumber(ARGV[6])) end

local function claimed(id, n)
  local b = redis.call('HMGET', key(K.batch, id, n), 'attempt', 'due_at', 'heeded', 'slot', 'reading')
  local f = redis.call('HMGET', key(K.campaign, id), 'first', 'message', 'lists', 'windows', 'resend_of')
  return { 'claimed', n, b[1],
    redis.call('HGET', key(K.recipients, id), n), f[2], f[3] or '[]', fates_of(id, n),
    string.format('%.0f', tonumber(f[1]) + span(id, n)),
    redis.call('HGET', key(K.lists, id), n) or '',
    b[2] or '0', f[4] or '', b[3] or '0', redis.call('HGET', ACCOUNT, 'suppression_version') or '0',
    id, b[4] or '0', b[5] and '1' or '0', f[5] or '', early, string.format('%.0f', now) }
end

local mine = redis.call('HGET', key(K.claims), op)
if mine then
  local id, n = string.match(mine, '^(.*)/(%d+)$')
  return claimed(id, tonumber(n))
end
-- A duplicate that was held up on its way must not claim a batch nobody will post.
if redis.call('ZSCORE', key(K.ended), op) then return { 'ended' } end

-- Gives the next batch of a campaign that may be claimed now, or nothing and why not, and true when
-- nothing of any other may be either.
local function next_batch(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'state', 'nudge_after', 'send_at', 'latest')
  if f[1] ~= C.sending then return nil, f[1] or 'none' end
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  if redis.call('HGET', ACCOUNT, 'run_id') ~= run_id then return nil, 'fenced', true end
  local send_at, latest = number(f[3]), number(f[4])
  if latest > 0 and now >= latest then
    expire(id)
    return nil, 'late'
  end
  if redis.call('HGET', ACCOUNT, 'parked') == H.credentials then
    hold(id, H.credentials)
    return nil, C.held, true
  end

  if redis.call('HEXISTS', ACCOUNT, 'stopped_by') == 1 then return nil, 'stopped', true end
  local closed = closed_gate()
  if closed then return nil, closed, true end
  -- So close to its time, the API might take the moment for one that is past.
  if send_at > now and send_at <= now + LEAST_DELAY_MS then
    look_again(id, send_at)
    return nil, 'idle'
  end

  local next_up = redis.call('ZRANGE', key(K.waiting, id), 0, 0, 'WITHSCORES')
  if not next_up[1] then return nil, 'idle' end
  if tonumber(next_up[2]) > now then
    look_again(id, math.min(tonumber(next_up[2]), now + number(f[2])))
    return nil, 'idle'
  end
  if is_limited() then
    look_again(id, number(redis.call('HGET', ACCOUNT, 'limited_until')))
    return nil, 'paced', true
  end
  return tonumber(next_up[1])
end

-- Gives whose turn it is of those who share the budget; the campaign asked for takes part if it can.
local function whose_turn(n)
  if n then join_turns(asked) end
  for _ = 1, MOST_PASSED_OVER do
    local first = redis.call('ZRANGE', key(K.turns), 0, 0)[1]
    if not first or (first == asked and n) then break end
    local other, _, is_for_all = next_batch(first)
    if other then return first, other end
    if is_for_all then break end
    leave_turns(first)
  end
  return asked, n
end

if rate > 0 then heed_clock(deadline, tonumber(ARGV[4])) end
local id = asked
local n, why, is_for_all = next_batch(asked)
if not n and (is_for_all or rate == 0) then return { why } end
local slot, used_until = 0, 0
if rate > 0 then
  set_rate(rate)
  -- A worker that came for a campaign which is over is free for the others.
  id, n = whose_turn(n)
  if not n then return { why } end
  slot, used_until = next_slot(weight_of(id, n), early)
  if not used_until then
    look_again(id, slot)
    return { 'paced' }
  end
else
  redis.call('HDEL', ACCOUNT, 'rate')
end

local record, batch = key(K.campaign, id), key(K.batch, id, n)
local f = redis.call('HMGET', record, 'nudge_after', 'send_at')
local send_at, quote = number(f[2]), number(redis.call('HGET', batch, 'quote'))
redis.call('ZREM', key(K.waiting, id), n)
local attempt = redis.call('HINCRBY', batch, 'attempt', 1)
redis.call('HDEL', batch, 'slot')
redis.call('HSET', batch, 'op', op, 'claimed_at', now, 'due_at', send_at > now and send_at or 0,
  'balance_before', redis.call('HGET', ACCOUNT, 'balance') or '')
redis.call('HINCRBY', record, 'cost_ready', minus(quote))
redis.call('HINCRBY', record, 'cost_exposed', quote)
account_add('exposed', quote)
move_batch(id, n, B.sending)
local until_when = now + deadline
if slot > 0 then
  take_slot(id, n, attempt, weight_of(id, n), slot, used_until, early)
  redis.call('HSET', batch, 'reading', 'slot')
  until_when = slot + SLOT_LEASE_MS
end
if redis.call('HEXISTS', key(K.lists, id), n) == 1 then
  redis.call('HSET', batch, 'reading', 1)
  until_when = now + tonumber(ARGV[4])
end
redis.call('ZADD', key(K.inflight), until_when, id .. '/' .. n)
redis.call('HSET', key(K.claims), op, id .. '/' .. n)
pass_gate(id .. '/' .. n)
look_again(id, math.min(now + number(f[1]), slot > 0 and slot + CHAIN_BROKEN_MS or math.huge))
return claimed(id, n)
