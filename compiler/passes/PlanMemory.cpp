// PlanMemory: in: plan.alloc without offsets. Out: every one has its offset in the arena of its region; buffers that
// are never alive at once share bytes. All sizes are bytes a row, so offsets hold for any number of rows. Greedy by
// size (Pisarchyk and Lee 2020, arXiv:2001.03288). Tested in tests/passes/plan-memory.mlir.
#include "compiler/dialect/Plan.h"
#include "compiler/passes/Passes.h"

namespace decant {
#define GEN_PASS_DEF_PLANMEMORY
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// A buffer is alive at steps [begin, end], both included.
struct Interval {
  plan::AllocOp alloc;
  int64_t begin, end, bytes, offset;
};

/// Last step that uses `value` or a view of it; `first` if there is none.
int64_t lastUse(Value value, int64_t first, const llvm::DenseMap<Operation *, int64_t> &order) {
  int64_t last = first;
  for (Operation *user : value.getUsers())
    last = std::max(last, isa<plan::ViewOp>(user) ? lastUse(user->getResult(0), last, order) : order.lookup(user));
  return last;
}

/// Lowest offset where `bytes` fit between the placed intervals that are alive with `interval`.
int64_t findOffset(const Interval &interval, ArrayRef<Interval> placed) {
  SmallVector<const Interval *> conflicts;
  for (const Interval &other : placed)
    if (other.begin <= interval.end && interval.begin <= other.end)
      conflicts.push_back(&other);
  llvm::sort(conflicts, [](auto *a, auto *b) { return a->offset < b->offset; });
  int64_t offset = 0;
  for (const Interval *other : conflicts) {
    if (offset + interval.bytes <= other->offset)
      break;
    offset = std::max(offset, other->offset + other->bytes);
  }
  return offset;
}

/// Places the buffers of one region; returns its bytes a row.
int64_t place(SmallVector<Interval> intervals) {
  llvm::stable_sort(intervals, [](const Interval &a, const Interval &b) { return a.bytes > b.bytes; });
  SmallVector<Interval> placed;
  int64_t total = 0;
  for (Interval &interval : intervals) {
    interval.offset = findOffset(interval, placed);
    total = std::max(total, interval.offset + interval.bytes);
    interval.alloc.setOffset(interval.offset);
    placed.push_back(interval);
  }
  return total;
}

struct PlanMemory : impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    getOperation().walk([](plan::EntryOp entry) { run(entry); });
  }

  static void run(plan::EntryOp entry) {
    llvm::DenseMap<Operation *, int64_t> order;
    for (Operation &op : entry.getBody().front())
      order[&op] = order.size();
    SmallVector<Interval> rows, outRows;
    for (auto alloc : entry.getBody().getOps<plan::AllocOp>()) {
      Interval interval{alloc, order[alloc], lastUse(alloc.getResult(), order[alloc], order), alloc.getRowBytes(), 0};
      (alloc.getRegion() == plan::Size::Rows ? rows : outRows).push_back(interval);
    }
    entry.setRowBytes(place(rows));
    entry.setOutRowBytes(place(outRows));
  }
};

} // namespace
} // namespace decant
