-- Shared by every script: how batches end, and what that does to money and tickets.

-- Ends everything that was not claimed, together with its campaign. Batches without a quote have
-- no record of their own yet and need none.
local function end_ready(id, to)
  local record = key(K.campaign, id)
  local f = redis.call('HMGET', record, 'b:' .. B.ready, 'batches:' .. B.ready, 'batches')
  redis.call('HINCRBY', record, 'b:' .. B.ready, minus(number(f[1])))
  redis.call('HINCRBY', record, 'b:' .. to, number(f[1]))
  shift_batches(id, B.ready, to, number(f[2]))
  for n = 0, number(f[3]) - 1 do
    local batch = key(K.batch, id, n)
    if redis.call('HGET', batch, 'state') == B.ready then redis.call('HSET', batch, 'state', to) end
  end
end

-- Names nobody of a batch any more whom the API left out: it was sent to nobody after all.
local function forget_unnamed(id, n)
  local batch = key(K.batch, id, n)
  local unnamed = redis.call('HGET', batch, 'unnamed') or ''
  if unnamed ~= '' then
    redis.call('HINCRBY', key(K.campaign, id), 'unnamed', minus(cjson.decode(unnamed)[1]))
    redis.call('ZREM', key(K.unnamed), id .. '/' .. n)
  end
  redis.call('HDEL', batch, 'unnamed', 'name_tries')
end

-- Settles what a batch's claim had put at stake.
local function settle_money(id, quote, cost)
  local record = key(K.campaign, id)
  redis.call('HINCRBY', record, 'cost_exposed', minus(quote))
  account_add('exposed', minus(quote))
  account_add('reserved', minus(quote))
  spend(id, cost)
end

-- Receipts of a batch sent to a list carry no id of ours, only its ticket; those that came
-- before the ticket was known are merged now.
local function index_ticket(id, n, ticket)
  if ticket == '' or redis.call('HEXISTS', key(K.lists, id), n) == 0 then return end
  redis.call('HSET', key(K.tickets), ticket, id .. '/' .. n)
  local early = key(K.early, ticket)
  for _, bodies in ipairs(redis.call('LRANGE', early, 0, -1)) do
    redis.call('XADD', key(K.receipts), '*', 'bodies', bodies)
  end
  redis.call('UNLINK', early)
  redis.call('ZREM', key(K.early_tickets), ticket)
end

-- Remembers until when the API may debit what it has taken: what is for later, at its time.
local function may_debit_until(at)
  if at > number(redis.call('HGET', ACCOUNT, 'debits_until')) then redis.call('HSET', ACCOUNT, 'debits_until', at) end
end

-- Enters a batch's quote as what it cost, for the API did not tell.
local function guess_cost(id, n, quote)
  account_add('guessed', quote)
  redis.call('HSET', key(K.batch, id, n), 'guessed', quote, 'guess', account_add('guesses', 1))
end

-- Takes what was guessed of a batch's cost as true. What was guessed before the balance was last read has
-- no part in what was lost since.
local function confirm_cost(id, n)
  local batch = key(K.batch, id, n)
  local f = redis.call('HMGET', batch, 'guessed', 'guess')
  if not f[1] then return end
  redis.call('HDEL', batch, 'guessed', 'guess')
  local known = redis.call('HGET', key(K.audit), 'base_guesses')
  if known and number(f[2]) > number(known) then account_add('guessed', minus(number(f[1]))) end
end

-- Forgets the balance that was read after a batch was claimed: what is booked of it only now was lost before
-- that reading, and would be taken for what others did not cost.
local function outdate_base(id, n)
  local base_at = redis.call('HGET', key(K.audit), 'base_at')
  if not base_at or number(redis.call('HGET', key(K.batch, id, n), 'claimed_at')) >= number(base_at) then return end
  redis.call('HDEL', key(K.audit), 'base', 'base_at')
end

-- Takes a proof that the API has the batch: a reply with a ticket, a receipt of ours, or an `early
-- receipt`, which says that it has not been sent yet.
local function accept(id, n, ticket, cost, by)
  local batch = key(K.batch, id, n)
  local had = redis.call('HMGET', batch, 'state', 'quote', 'ticket', 'cost', 'verdict')
  local state, quote = had[1], number(had[2])
  if had[5] then alarm(id, n, 'proof that a batch was sent after evidence that it was not') end
  if state == B.empty then return alarm(id, n, 'proof that a batch was sent which had nobody in it') end
  if state == B.accepted or state == B.scheduled or state == B.withdrawing or state == B.doubtful then
    if had[3] == '' then
      redis.call('HSET', batch, 'ticket', ticket)
      note_ticket(id, n, ticket)
      if ticket ~= '' then redis.call('ZREM', key(K.unticketed), id .. '/' .. n) end
      local due = number(redis.call('HGET', batch, 'due_at'))
      if ticket ~= '' and due > now and redis.call('HEXISTS', key(K.campaign, id), 'cancel') == 1 then
        alarm(id, n, 'a cancelled batch goes out at its time: its ticket came after it was given up as too late')
      end
      index_ticket(id, n, ticket)
    elseif had[3] ~= ticket and ticket ~= '' then
      alarm(id, n, 'a second ticket: the batch was accepted twice')
    end
    local drift = tonumber(cost) and tonumber(cost) - number(had[4]) or 0
    if tonumber(cost) then confirm_cost(id, n) end
    if drift ~= 0 then
      redis.call('HSET', batch, 'cost', cost)
      spend(id, drift)
      outdate_base(id, n)
    end
    -- Such a receipt shows that its time had come, whatever was tried meanwhile.
    if by == 'receipt' and state ~= B.accepted then move_batch(id, n, B.accepted, by) end
    return
  end
  local real = tonumber(cost) or quote
  outdate_base(id, n)
  if not tonumber(cost) then guess_cost(id, n, quote) end
  if state == B.sending or state == B.unknown then
    settle_money(id, quote, real)
  else
    alarm(id, n, 'proof that a batch was sent which we held for ' .. state)
    if state == B.ready then
      redis.call('ZREM', key(K.waiting, id), n)
      if redis.call('HGET', key(K.campaign, id), 'reserved') == '1' then account_add('reserved', minus(quote)) end
      redis.call('HINCRBY', key(K.campaign, id), 'cost_ready', minus(quote))
    end
    spend(id, real)
  end
  redis.call('HSET', batch, 'ticket', ticket, 'cost', real, 'settled_by', by, 'settled_at', now)
  note_ticket(id, n, ticket)
  if ticket == '' then note_unticketed(id, n) end
  index_ticket(id, n, ticket)
  local due = number(redis.call('HGET', batch, 'due_at'))
  if due > 0 then may_debit_until(math.max(due, now)) end
  if by == 'receipt' or due <= now or ticket == '' or (state ~= B.sending and state ~= B.unknown) then
    return move_batch(id, n, B.accepted, by)
  end
  move_batch(id, n, B.scheduled, by)
  redis.call('ZADD', key(K.due), due, id .. '/' .. n)
  local f = redis.call('HMGET', key(K.campaign, id), 'cancel', 'hold')
  if f[1] or f[2] == H.paused then move_batch(id, n, B.withdrawing) end
end

-- Tells whether the API gave a ticket of the batch back: it will send nothing under it.
local function was_given_back(id, n, ticket)
  local tickets = redis.call('HGET', key(K.batch, id, n), 'given_back') or ''
  return ticket ~= '' and string.find(tickets, ' ' .. ticket .. ' ', 1, true) ~= nil
end
