-- Records how an attempt to take a batch back ended. ARGV: id, n, outcome, pause ms, why,
-- credits after it ('' when not told), spent before it, ticket.
-- outcome: `gone` (the API confirmed), `refused` (-5: begun, gone or unknown to it), `lost` (may
-- have worked), `not made` (certainly did not). Replies {batch state, campaign state}.
local id, n, outcome = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local record, batch = key(K.campaign, id), key(K.batch, id, n)
local f = redis.call('HMGET', batch, 'state', 'due_at', 'ticket', 'doubted', 'cost', 'quote', 'given_back')
local due, is_doubted, cost = number(f[2]), f[4], number(f[5])

local function answer() return { redis.call('HGET', batch, 'state') or 'none', redis.call('HGET', record, 'state') or 'none' } end

local function confirm()
  -- The balance is what the API tells, now or when it is asked next: adding to what we know
  -- could count twice what it told meanwhile.
  redis.call('HINCRBY', record, 'cost', minus(cost))
  account_add('returned', cost)
  observe(ARGV[6], ARGV[7])
  redis.call('HDEL', batch, 'ticket', 'cost', 'withdrawal', 'asked', 'doubted')
  forget_unnamed(id, n)
  redis.call('HSET', batch, 'given_back', (f[7] or ' ') .. f[3] .. ' ')
  if redis.call('HEXISTS', record, 'cancel') == 1 then
    redis.call('HINCRBY', record, 'credits_returned', cost)
    redis.call('HINCRBY', record, 'withdrawn', 1)
    move_batch(id, n, B.cancelled, 'taken back')
  else
    move_batch(id, n, B.ready, 'taken back')
    redis.call('ZADD', key(K.waiting, id), now, n)
    redis.call('HINCRBY', record, 'cost_ready', number(f[6]))
    if redis.call('HGET', record, 'reserved') == '1' then
      account_add('reserved', number(f[6]))
      if available() < 0 then hold_for_credits(id) end
    end
  end
end

-- What is told of an earlier ticket says nothing of the one it was sent again under.
if f[1] ~= B.withdrawing or f[3] ~= ARGV[8] then return answer() end
local began = due - WITHDRAWAL_MARGIN_MS <= now
redis.call('HDEL', batch, 'asked')
if outcome == 'gone' then
  confirm()
elseif outcome == 'refused' and not began and is_doubted then
  -- It had not begun, so an attempt whose answer was lost has worked.
  confirm()
elseif not is_doubted and ((outcome == 'refused' and began) or (outcome == 'not made' and due <= now)) then
  move_batch(id, n, B.accepted, 'too late to take it back')
elseif outcome == 'refused' or due <= now then
  move_batch(id, n, B.doubtful, ARGV[5])
else
  redis.call('ZADD', key(K.withdrawals), 'XX', now + tonumber(ARGV[4]), id .. '/' .. n)
end
if outcome == 'lost' then redis.call('HSET', batch, 'doubted', 1) end
progress(id)
return answer()
