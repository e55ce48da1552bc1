#include "tests/masks/CompiledMask.h"

#include "compiler/passes/MaskToText.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>
#include <stdexcept>

using namespace mlir;

namespace decant::test {
namespace {

constexpr const char *kTypes = "tensor<?xindex>, tensor<?xindex>, tensor<?x?xindex>, tensor<?x?x?x?xi1>";

std::string modelText(const std::string &body, const std::string &name) {
  return fmt::format(R"(
dec.model @m attributes {{kind = "decoder_only", width = 16 : i64, vocab = 0 : i64, max_batch = 8 : i64,
                          max_context = 256 : i64, max_source = 0 : i64}} {{
  dec.mask @{1}(%b: index, %h: index, %q: index, %k: index)
      params(%len: tensor<?xindex>, %prefix: tensor<?xindex>, %segment: tensor<?x?xindex>, %keep: tensor<?x?x?x?xi1>) {{
{0}
  }}
  func.func @decode(%q: tensor<?xQCOLSxf32>, %k: tensor<?xKCOLSxf32>, %v: tensor<?xKCOLSxf32>, %r: !dec.rows, %len: tensor<?xindex>,
                    %prefix: tensor<?xindex>, %segment: tensor<?x?xindex>, %keep: tensor<?x?x?x?xi1>) -> tensor<?xQCOLSxf32> {{
    %o = dec.attention %q, %k, %v rows %r, %r heads HEADS kv_heads KVHEADS scale 0.25
         mask @{1}(%len, %prefix, %segment, %keep : {2}) : tensor<?xQCOLSxf32>, tensor<?xKCOLSxf32>
    func.return %o : tensor<?xQCOLSxf32>
  }}
}})",
                     body, name, kTypes);
}

std::string replaced(std::string text, const std::string &word, int value) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos;)
    text.replace(at, word.size(), std::to_string(value));
  return text;
}

OwningOpRef<ModuleOp> parse(MLIRContext &context, const std::string &text) {
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    throw std::runtime_error("does not parse:\n" + text);
  return module;
}

std::vector<int64_t> wide(const std::vector<int32_t> &data) { return {data.begin(), data.end()}; }

} // namespace

MaskContext::MaskContext() : MLIRContext(Threading::DISABLED) {
  loadDialect<dec::DecDialect, func::FuncDialect, arith::ArithDialect>();
}

CompiledMask::CompiledMask(MLIRContext &context, const std::string &body, const std::string &name)
    : text(modelText(body, name)) {
  auto module =
      parse(context, replaced(replaced(replaced(replaced(text, "KVHEADS", 1), "HEADS", 1), "QCOLS", 16), "KCOLS", 16));
  PassManager phase(&context);
  phase.addPass(createInlineMasks());
  phase.addPass(createCanonicalizerPass());
  phase.addPass(createDeriveMaskBounds());
  if (failed(phase.run(*module)))
    throw std::runtime_error("phase masks fails:\n" + text);
  auto model = dec::findModel(*module);
  auto mask = *model.getBody().getOps<dec::MaskOp>().begin();
  auto expression = maskToText(mask.getBody(), 0);
  if (failed(expression) || !mask.getVisit() || !mask.getFull())
    throw std::runtime_error("no kernel or no bounds for:\n" + text);
  this->mask = *expression, params = maskParamsToText(mask.getBody(), 0);
  visit = mask.getVisit()->str(), full = mask.getFull()->str();
}

std::string CompiledMask::spec(const AttentionData &data, bool ranges) const {
  return fmt::format("attention heads={} kv_heads={} d={} block={} scale=0.25 softcap=0 mask={} visit={} full={} "
                     "score=- params={}",
                     data.heads, data.kvHeads, data.d, data.block, mask, ranges ? visit : "-", ranges ? full : "()",
                     params);
}

std::vector<double> CompiledMask::reference(MLIRContext &context, const AttentionData &data) const {
  const int q = data.heads * data.d, k = data.kvHeads * data.d;
  auto module = parse(
      context, replaced(replaced(replaced(replaced(text, "KVHEADS", data.kvHeads), "HEADS", data.heads), "QCOLS", q),
                        "KCOLS", k));
  WeightSet weights;
  Interpreter<double> interpreter(dec::findModel(*module), weights);
  Rows rows;
  for (int length : data.lengths)
    rows.add(length, 0);
  auto real = [](const std::vector<float> &values, int64_t columns) {
    return Tensor<double>{{int64_t(values.size()) / columns, columns}, {values.begin(), values.end()}};
  };
  std::vector<Value<double>> arguments{real(data.q, q), real(data.k, k), real(data.v, k), rows};
  for (const ParamData &param : data.params) {
    std::vector<int64_t> shape(param.extents.begin(), param.extents.end());
    if (param.boolean)
      arguments.push_back(Tensor<uint8_t>{shape, {param.data.begin(), param.data.end()}});
    else
      arguments.push_back(Tensor<int64_t>{shape, wide(param.data)});
  }
  auto results = interpreter.run("decode", std::move(arguments));
  if (!results)
    throw std::runtime_error(llvm::toString(results.takeError()));
  return std::get<Tensor<double>>((*results)[0]).data;
}

AttentionData makeData(std::vector<int> lengths, int heads, int kvHeads, int block, unsigned seed) {
  AttentionData data;
  data.heads = heads, data.kvHeads = kvHeads, data.block = block, data.lengths = std::move(lengths);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.5f, 1.5f);
  int rows = 0, longest = 0, sequences = int(data.lengths.size());
  for (int length : data.lengths)
    rows += length, longest = std::max(longest, length);
  for (auto [values, columns] : {std::pair{&data.q, heads}, {&data.k, kvHeads}, {&data.v, kvHeads}})
    for (int i = 0; i < rows * columns * data.d; ++i)
      values->push_back(uniform(random));
  ParamData len{{sequences}, {}}, prefix{{sequences}, {}}, segment{{sequences, longest}, {}},
      keep{{sequences, heads, longest, longest}, {}, true};
  for (int length : data.lengths) {
    len.data.push_back(std::max(1, length - 3)), prefix.data.push_back(length / 3);
    for (int k = 0; k < longest; ++k)
      segment.data.push_back(std::min(k, length) / (length / 3 + 1) * 2);
  }
  for (int i = 0; i < sequences * heads * longest * longest; ++i)
    keep.data.push_back(random() % 3 != 0);
  data.params = {len, prefix, segment, keep};
  return data;
}

} // namespace decant::test
