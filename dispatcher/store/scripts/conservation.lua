-- Shared by every script: whether a campaign's counters are what its recipients add up to.

-- A batch without a quote has no record of its own, and ends with its campaign.
local ENDS_AS = { [C.rejected] = B.refused, [C.cancelled] = B.cancelled, [C.expired] = B.expired }

local function add(counts, name, amount) counts[name] = (counts[name] or 0) + amount end

-- Counts each byte of a string: all of one kind at a time, which is three times as fast as one by one.
local function count_bytes(bytes, counts)
  local zeros = 0
  while #bytes > 0 do
    local byte, found = string.byte(bytes), 0
    local pattern = byte == 0 and '%z' or string.gsub(string.char(byte), '%p', '%%%0')
    bytes, found = string.gsub(bytes, pattern, '')
    if byte == 0 then zeros = found else add(counts, 'f:' .. byte, found) end
  end
  return zeros
end

-- Recounts some batches into `counts`, by the names that the campaign's record has for its counters.
-- Replies the first that does not say how many recipients follow it, or nil.
local function recount(id, first, last, counts)
  local wrong
  local ended = ENDS_AS[redis.call('HGET', key(K.campaign, id), 'state')]
  for n = first, last do
    local f = redis.call('HMGET', key(K.batch, id, n), 'state', 'left')
    local following = count_bytes(fates_of(id, n), counts)
    local state = f[1] or ended or B.ready
    if f[1] and number(f[2]) ~= following and not wrong then
      wrong = 'batch ' .. n .. ' counts ' .. number(f[2]) .. ' recipients, and has ' .. following
    end
    add(counts, 'batches:' .. state, 1)
    add(counts, 'b:' .. state, following)
  end
  return wrong
end

-- Says what of a campaign does not add up, or nil: all of it at once, so that nothing moves meanwhile.
local function gap_of(id)
  local record = redis.call('HGETALL', key(K.campaign, id))
  local field, sum = {}, 0
  for i = 1, #record, 2 do
    field[record[i]] = record[i + 1]
    if string.match(record[i], '^[bf]:') then sum = sum + number(record[i + 1]) end
  end
  local kept = number(field.recipients)
  local dropped = number(field.invalid) + number(field.duplicated) + number(field.suppressed)
  if sum ~= kept or kept + dropped ~= number(field.rows) then
    return 'rows in and fates do not add up'
  end
  local counts = {}
  local wrong = recount(id, 0, number(field.batches) - 1, counts)
  if wrong then return wrong end
  for name, value in pairs(field) do
    if string.match(name, '^b:') or string.match(name, '^f:') or string.match(name, '^batches:') then
      local found = counts[name] or 0
      if number(value) ~= found then return name .. ' is ' .. value .. ', and recounted ' .. found end
      counts[name] = nil
    end
  end
  for name, found in pairs(counts) do
    if found > 0 then return name .. ' is missing, and recounted ' .. found end
  end
end
