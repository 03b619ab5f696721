-- Records the outcome of one POST. ARGV: id, n, attempt, outcome, ticket, cost, code, why, pause ms,
-- people sent to beyond those meant, [people left out, of them blacklisted,
-- duplicated] in JSON or ''.
-- outcome: `accepted`, `refused`, `not sent` (proven; may be tried again), `no credits` (-3),
-- `no credentials` (-1), `closed` (not the hour for it), `expired` (nor will it be), or `unknown`.
-- Replies {batch state, campaign state}, both
-- `none` when the batch is not kept here.
local id, n, attempt, outcome = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ticket, cost, code, why = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local record, batch = key(K.campaign, id), key(K.batch, id, n)
local had = redis.call('HMGET', batch, 'state', 'attempt', 'quote')
local state, quote = had[1], number(had[3])

if not state then
  local is_erased = redis.call('HEXISTS', record, 'erased_at') == 1
  if outcome == 'accepted' and not is_erased then alarm(id, n, 'proof that a batch was sent which is not kept here') end
  return { 'none', 'none' }
end

local function answer() return { redis.call('HGET', batch, 'state'), redis.call('HGET', record, 'state') } end

if outcome == 'accepted' then
  -- Heard before: a repetition, as from the journal, that came after the batch was taken back.
  if was_given_back(id, n, ticket) then return answer() end
  -- A proof is taken whatever we believed meanwhile.
  accept(id, n, ticket, cost, 'reply')
  if number(ARGV[10]) > 0 then alarm(id, n, 'the API sent to more people than it was asked to') end
  if code ~= '' then
    redis.call('HSET', batch, 'code', code)
    -- Under moderation (-8); nobody documents how long, nor when it is debited.
    may_debit_until(now + MODERATED_MS)
    redis.call('HSET', key(K.audit), 'moderated_at', now)
  end
  if ARGV[11] ~= '' and redis.call('HSETNX', batch, 'unnamed', ARGV[11]) == 1 then
    redis.call('HINCRBY', record, 'unnamed', cjson.decode(ARGV[11])[1])
    redis.call('ZADD', key(K.unnamed), now + NAME_AFTER_MS, id .. '/' .. n)
  end
  progress(id)
  return answer()
end

-- The fence: only the attempt that claimed may say how it ended, and only once.
if had[2] ~= attempt or (state ~= B.sending and state ~= B.unknown) then return answer() end
if outcome == 'unknown' then
  if state == B.sending then
    redis.call('HSET', batch, 'why', why)
    move_batch(id, n, B.unknown, why)
    count_lost_answer()
  end
elseif outcome == 'refused' then
  settle_money(id, quote, 0)
  redis.call('HSET', batch, 'code', code, 'why', why, 'settled_at', now)
  redis.call('HSET', record, 'error', why, 'error_code', code)
  move_batch(id, n, B.refused, why)
else
  redis.call('HSET', record, 'error', why, 'error_code', code)
  if not give_back(id, n, quote, why, tonumber(ARGV[9])) then
    progress(id)
    return answer()
  end
  if outcome == 'expired' then
    drop_ready(id, n, quote, B.expired, why)
  elseif outcome == 'closed' then
    redis.call('HSET', batch, 'opens_at', now + tonumber(ARGV[9]))
  end
  go_on(id)
  if outcome == 'no credits' then
    hold_for_credits(id)
  elseif outcome == 'no credentials' then
    redis.call('HSET', ACCOUNT, 'parked', H.credentials)
    hold(id, H.credentials)
  end
end
progress(id)
return answer()
