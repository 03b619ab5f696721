-- Shared by every script: what keeps an account from sending while answers are lost.

-- Opens the circuit breaker: nothing is claimed until a person or a probe closes it.
local function open_breaker()
  redis.call('HSET', ACCOUNT, 'breaker_at', now)
  redis.call('HDEL', ACCOUNT, 'probe', 'fresh', 'fresh_since')
end

local function close_breaker() return redis.call('HDEL', ACCOUNT, 'breaker_at', 'probe', 'fresh', 'fresh_since') > 0 end

-- Counts an answer the API failed to give. A worker that vanished says nothing of the API.
local function count_lost_answer()
  local f = redis.call('HMGET', ACCOUNT, 'breaker_after', 'breaker_span', 'fresh', 'fresh_since', 'breaker_at')
  local most = number(f[1])
  if most == 0 or f[5] then return end
  local fresh = number(f[3]) + 1
  if fresh == 1 or number(f[4]) + number(f[2]) < now then
    fresh = 1
    redis.call('HSET', ACCOUNT, 'fresh_since', now)
  end
  redis.call('HSET', ACCOUNT, 'fresh', fresh)
  if fresh >= most then open_breaker() end
end

-- Says why nothing may be claimed just now; nil when something may.
local function closed_gate()
  local f = redis.call('HMGET', ACCOUNT, 'breaker_at', 'probe', 'quiet_until', 'serial_until')
  if f[1] and f[2] ~= 'any' then return 'breaker' end
  if number(f[3]) > now then return 'quiet' end
  if number(f[4]) > now and redis.call('ZCARD', key(K.inflight)) > 0 then return 'serial' end
end

local function pass_gate(name)
  redis.call('HINCRBY', ACCOUNT, 'posts', 1)
  if redis.call('HGET', ACCOUNT, 'probe') == 'any' then redis.call('HSET', ACCOUNT, 'probe', name) end
end

local function is_shut_out(name)
  local f = redis.call('HMGET', ACCOUNT, 'breaker_at', 'probe')
  return f[1] and f[2] ~= name
end

-- Heeds how the one batch ended that an open breaker let through.
local function end_probe(name, to)
  if redis.call('HGET', ACCOUNT, 'probe') ~= name then return end
  if to == B.accepted or to == B.scheduled or to == B.refused then close_breaker() else open_breaker() end
end

-- Has a batch of unknown outcome counted as sent after the wait for receipts, if its campaign wants that.
local function assume_later(id, n)
  local name = id .. '/' .. n
  local f = redis.call('HMGET', key(K.campaign, id), 'on_unknown', 'receipt_wait')
  if f[1] ~= ASSUME_SENT then return end
  local since = number(redis.call('ZSCORE', key(K.unknown), name))
  local due = math.max(since, number(redis.call('HGET', key(K.batch, id, n), 'due_at')))
  redis.call('ZADD', key(K.assumptions), due + number(f[2]), name)
end

-- Books a batch among those of unknown outcome, or out of them.
local function count_unknown(id, n, name, from, to, quote)
  if from == B.unknown then
    redis.call('ZREM', key(K.unknown), name)
    redis.call('ZREM', key(K.assumptions), name)
    redis.call('HINCRBY', ACCOUNT, 'unknown_credits', minus(quote))
    redis.call('HDEL', key(K.batch, id, n), 'verdict', 'absent_at', 'traceless')
  end
  if to ~= B.unknown then return end
  redis.call('HDEL', key(K.batch, id, n), unpack(SEEN_FIELDS))
  redis.call('ZADD', key(K.unknown), now, name)
  redis.call('HINCRBY', ACCOUNT, 'unknown_credits', quote)
  redis.call('HDEL', ACCOUNT, 'reconcile_at')
  if redis.call('HGET', ACCOUNT, 'dedicated') == '1' then
    redis.call('HSET', ACCOUNT, 'serial_until', now + SERIAL_MS)
  end
  assume_later(id, n)
end

-- Remembers whose a ticket is, so that no other batch is taken for it.
local function note_ticket(id, n, ticket)
  if ticket == '' then return end
  redis.call('ZADD', key(K.answered), number(redis.call('HGET', key(K.batch, id, n), 'claimed_at')), ticket)
end

-- Remembers a batch settled without a ticket: what the API lists may be it.
local function note_unticketed(id, n)
  local at = number(redis.call('HGET', key(K.batch, id, n), 'claimed_at'))
  redis.call('ZADD', key(K.unticketed), 'NX', at, id .. '/' .. n)
end

-- Names the state of everything that may change a balance. While the name is the same, nothing did.
local function books()
  local f = redis.call('HMGET', ACCOUNT, 'posts', 'spent', 'guessed', 'withdrawn_at')
  local unknown = redis.call('ZRANGE', key(K.unknown), 0, -1)
  return redis.sha1hex(table.concat({ number(f[1]), number(f[2]), number(f[3]), number(f[4]),
    redis.call('ZCARD', key(K.inflight)), redis.call('ZCARD', key(K.withdrawals)),
    table.concat(unknown, ',') }, '|'))
end
