// Sessions and slots of the C API (decant.h). Tested in tests/runtime.
#include "runtime/core/session.h"

#include <algorithm>

using namespace decant::rt;

namespace {

constexpr int32_t kMaxSlots = 1 << 16;
thread_local char tlsCreateMessage[256]; ///< why the last session of this thread could not be created

template <class T> T field(const T *value, const void *options, size_t struct_size, T otherwise) {
  const auto *end = reinterpret_cast<const uint8_t *>(value + 1);
  return struct_size >= static_cast<size_t>(end - static_cast<const uint8_t *>(options)) ? *value : otherwise;
}

decant_status build(decant_session &session, int32_t threads, uint32_t slots) {
  if (decant_status status = session.cache.create(session.model->tables, slots, session.text()); status != DECANT_OK)
    return status;
  auto outOfMemory = [&] {
    return session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for a session of %u slots", slots);
  };
  if (!preparePlan(session) || !session.items.reserve(slots))
    return outOfMemory();
  session.pool.start(threads);
  int count = session.pool.threads();
  void *memory = std::malloc(sizeof(Scratch) * static_cast<size_t>(count));
  if (!memory)
    return outOfMemory();
  session.scratch = static_cast<Scratch *>(memory);
  for (; session.num_scratch < count; ++session.num_scratch)
    new (session.scratch + session.num_scratch) Scratch();
  return DECANT_OK;
}

bool isOpen(const decant_session &session, int32_t slot) {
  return slot >= 0 && static_cast<size_t>(slot) < session.cache.slots.size() &&
         session.cache.slots[static_cast<size_t>(slot)].open;
}

decant_status notOpen(decant_session &session, int32_t slot) {
  return session.text().fail(DECANT_INVALID_ARGUMENT, "slot %d is not open", slot);
}

decant_status findFree(decant_session &session, uint32_t &out) {
  for (uint32_t i = 0; i < session.cache.slots.size(); ++i)
    if (!session.cache.slots[i].open) {
      out = i;
      return DECANT_OK;
    }
  return session.text().fail(DECANT_OUT_OF_RANGE,
                             "all %zu slots of the session are open: close one or create it with more",
                             session.cache.slots.size());
}

} // namespace

decant_session::~decant_session() {
  for (int i = 0; i < num_scratch; ++i)
    scratch[i].~Scratch();
  std::free(scratch);
}

decant_status decant_session_create(decant_model *model, const decant_session_options *options,
                                    decant_session **out_session) {
  const Message message{tlsCreateMessage, sizeof tlsCreateMessage};
  if (!model || !out_session)
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_session_create: model or out_session is NULL");
  int32_t threads = options ? field(&options->threads, options, options->struct_size, 0) : 0;
  int32_t slots = options ? field(&options->max_slots, options, options->struct_size, 0) : 0;
  if (threads < 0 || threads > kMaxThreads || slots < 0 || slots > kMaxSlots)
    return message.fail(DECANT_INVALID_ARGUMENT, "a session of %d threads and %d slots: expected 0 to %d and 0 to %d",
                        threads, slots, kMaxThreads, kMaxSlots);
  auto *session = create<decant_session>();
  if (!session)
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for a session");
  session->model = model;
  decant_status status = build(*session, threads ? threads : usableCores(),
                               slots ? static_cast<uint32_t>(slots) : model->header().max_batch);
  if (status == DECANT_OK) {
    tlsCreateMessage[0] = 0;
    *out_session = session;
    return status;
  }
  (void)message.fail(status, "%.*s", static_cast<int>(sizeof tlsCreateMessage) - 1, session->message);
  destroy(session);
  return status;
}

void decant_session_release(decant_session *session) { destroy(session); }

const char *decant_session_message(const decant_session *session) {
  return session ? session->message : tlsCreateMessage;
}

decant_status decant_slot_open(decant_session *session, int32_t *out_slot) {
  if (!session || !out_slot)
    return DECANT_INVALID_ARGUMENT;
  uint32_t slot = 0;
  if (decant_status status = findFree(*session, slot); status != DECANT_OK)
    return status;
  session->cache.slots[slot] = {true, 0, 0, {}};
  *out_slot = static_cast<int32_t>(slot);
  return DECANT_OK;
}

decant_status decant_slot_fork(decant_session *session, int32_t slot, int32_t *out_slot) {
  if (!session || !out_slot)
    return DECANT_INVALID_ARGUMENT;
  if (!isOpen(*session, slot))
    return notOpen(*session, slot);
  uint32_t fork = 0;
  if (decant_status status = findFree(*session, fork); status != DECANT_OK)
    return status;
  if (!session->cache.share(static_cast<uint32_t>(slot), fork))
    return session->text().fail(DECANT_RESOURCE_EXHAUSTED, "no free block of the KV cache for a fork of slot %d", slot);
  *out_slot = static_cast<int32_t>(fork);
  return DECANT_OK;
}

decant_status decant_slot_close(decant_session *session, int32_t slot) {
  if (!session)
    return DECANT_INVALID_ARGUMENT;
  if (!isOpen(*session, slot))
    return notOpen(*session, slot);
  session->cache.clear(static_cast<uint32_t>(slot));
  return DECANT_OK;
}

decant_status decant_slot_length(const decant_session *session, int32_t slot, int32_t *out_tokens) {
  if (!session || !out_tokens || !isOpen(*session, slot))
    return DECANT_INVALID_ARGUMENT;
  *out_tokens = session->cache.slots[static_cast<size_t>(slot)].tokens;
  return DECANT_OK;
}

decant_status decant::rt::permuteSlots(decant_session &session, const int32_t *slots, const int32_t *source,
                                       size_t count) {
  if (std::equal(slots, slots + count, source))
    return DECANT_OK;
  if (!session.cache.permute(slots, source, count))
    return session.text().fail(DECANT_RESOURCE_EXHAUSTED, "no free block of the KV cache for the beams");
  return DECANT_OK;
}
