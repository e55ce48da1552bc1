// The shape of imported modules: entries, weights, masks, locations.
#include "compiler/dialect/Dec.h"
#include "tests/import/TestModel.h"

#include "compiler/import/Prelude.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace decant;
using namespace decant::test;

namespace {

std::string print(Operation *op, bool locations = false) {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os, OpPrintingFlags().enableDebugInfo(locations));
  return text;
}

struct Imported {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  dec::ModelOp model;

  explicit Imported(const TestModel &source, const ImportOptions &options = {})
      : module(value(source.import(context, options))), model(dec::findModel(*module)) {}
  explicit Imported(const std::string &folder) : Imported(TestModel(folder)) {}

  template <class Op> Op find(StringRef name) { return dyn_cast_or_null<Op>(SymbolTable::lookupSymbolIn(model, name)); }
  template <class Op> std::vector<Op> all(StringRef entry) {
    std::vector<Op> ops;
    find<func::FuncOp>(entry).walk([&](Op op) { ops.push_back(op); });
    return ops;
  }
};

TEST(Import, BundledModelHasItsEntries) {
  Imported bart(kBundled);
  EXPECT_EQ(cast<StringAttr>((*bart.module)->getAttr("dec.phase")).getValue(), "import");
  EXPECT_EQ(bart.model.getKind(), "encoder_decoder");
  EXPECT_EQ(bart.model.getMaxContext(), 64);
  EXPECT_NE(print(bart.model)
                .find("func.func @encode(%arg0: tensor<?xi32> {dec.name = \"input_ids\"}, %arg1: !dec.rows "
                      "{dec.name = \"rows\"}) -> tensor<?x128xf32>"),
            std::string::npos);
  EXPECT_NE(print(bart.find<func::FuncOp>("decode")).find("-> tensor<?x63xf32>"), std::string::npos);
  auto generation = *bart.model.getBody().getOps<dec::GenerationOp>().begin();
  EXPECT_EQ(generation.getDecoderStartTokenId(), 1);
  EXPECT_EQ(generation.getForcedEosTokenId(), 2);
}

TEST(Import, EveryTensorIsAWeightOfItsName) {
  TestModel source(kBundled);
  Imported bart(source);
  for (const NamedTensor &tensor : source.tensors) {
    auto weight = bart.find<dec::WeightOp>(tensor.name);
    ASSERT_TRUE(weight) << tensor.name;
    EXPECT_EQ(weight.getLayout(), dec::Layout::Raw);
  }
  EXPECT_EQ(bart.find<dec::WeightOp>("final_logits_bias").getTensorType().getShape(), ArrayRef<int64_t>({63}));
}

TEST(Import, MasksAreComposedAndOnlyUsedOnesAreCopied) {
  Imported bart(kBundled);
  auto decode = bart.all<dec::AttentionOp>("decode");
  ASSERT_EQ(decode.size(), 2u);
  EXPECT_EQ(decode[0].getMask(), "decoder_self");
  EXPECT_EQ(decode[1].getMask(), "padding");
  EXPECT_EQ(bart.all<dec::AttentionOp>("encode")[0].getMask(), "padding");
  EXPECT_TRUE(bart.find<dec::MaskOp>("causal"));
  EXPECT_FALSE(bart.find<dec::MaskOp>("bidirectional"));
  EXPECT_FALSE(bart.find<dec::ScoreOp>("explicit_bias"));
}

TEST(Import, LocationsNameTheModule) {
  Imported bart(kBundled);
  auto attention = bart.all<dec::AttentionOp>("decode")[0];
  EXPECT_EQ(cast<NameLoc>(attention.getLoc()).getName(), "decoder.layers.0.self_attn");
}

TEST(Import, DumpsParseBack) {
  for (const char *folder : {"/models/g2p-bart-en-us", "/golden/torch_decoder/pre_gelu_no_bias"}) {
    Imported model(kTests + folder);
    std::string text = print(*model.module, true);
    auto parsed = parseSourceString<ModuleOp>(text, &model.context);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(print(*parsed, true), text);
  }
}

TEST(Import, EveryGoldenModelImports) {
  size_t models = 0;
  for (const char *family : {"/golden/bart", "/golden/torch_decoder"})
    for (const auto &entry : std::filesystem::directory_iterator(kTests + family)) {
      SCOPED_TRACE(entry.path().string());
      Imported model(entry.path().string());
      EXPECT_TRUE(model.model && succeeded(verify(*model.module)));
      ++models;
    }
  EXPECT_GE(models, 19u);
}

TEST(Import, ThePreludeVerifies) {
  Imported any(kBundled); // its context has the dialects
  auto prelude = parseSourceString<ModuleOp>(kPrelude, &any.context);
  ASSERT_TRUE(prelude);
  for (const char *name : {"causal", "bidirectional", "padding", "explicit", "explicit_bias"})
    EXPECT_TRUE(SymbolTable::lookupSymbolIn(*prelude, name)) << name;
}

TEST(Import, TorchProjectionsAreRowsOfOneTensor) {
  Imported torch(kTests + "/golden/torch_decoder/post_relu_causal_bool"); // d_model 24
  for (auto [letter, begin] : {std::pair("q", 0), {"k", 24}, {"v", 48}}) {
    auto weight = torch.find<dec::WeightOp>(std::string("layers.0.self_attn.in_proj_weight.") + letter);
    ASSERT_TRUE(weight) << letter;
    auto source = cast<dec::SourceAttr>(weight.getSources()[0]);
    EXPECT_EQ(source.getTensor(), "layers.0.self_attn.in_proj_weight");
    EXPECT_EQ(source.getBegin(), begin);
    EXPECT_EQ(source.getEnd(), begin + 24);
  }
  auto decode = torch.find<func::FuncOp>("decode");
  EXPECT_EQ(cast<FloatAttr>(decode.getArgAttr(5, "dec.neutral")).getValueAsDouble(), 1.0);
  EXPECT_EQ(cast<StringAttr>(decode.getArgAttr(5, "dec.name")).getValue(), "self_keep");
  EXPECT_NEAR(torch.all<dec::AttentionOp>("decode")[0].getScale().convertToDouble(), 1 / std::sqrt(8.0), 1e-15);
}

TEST(Import, TorchNormsStandBeforeOrAfter) {
  Imported post(kTests + "/golden/torch_decoder/post_relu_causal_bool"),
      pre(kTests + "/golden/torch_decoder/pre_gelu_no_bias");
  EXPECT_EQ(post.all<dec::NormOp>("decode").size(), 3u);
  ASSERT_EQ(pre.all<dec::NormOp>("decode").size(), 4u); // and the final one
  EXPECT_TRUE(isa<BlockArgument>(pre.all<dec::NormOp>("decode")[0].getX()));
  EXPECT_TRUE(isa<dec::ResidualOp>(post.all<dec::NormOp>("decode")[0].getX().getDefiningOp()));
  EXPECT_FALSE(pre.all<dec::LinearOp>("decode")[0].getBias());
  EXPECT_FALSE(pre.all<dec::NormOp>("decode")[0].getBias());
}

TEST(Import, TorchTransformerStateGivesItsDecoder) {
  TestModel plain(kTests + "/golden/torch_decoder/pre_gelu_no_bias"), nested = plain;
  for (NamedTensor &tensor : nested.tensors)
    tensor.name = "decoder." + tensor.name;
  nested.tensors.push_back({"encoder.norm.weight", DType::F32, {1}, std::vector<uint8_t>(4)});
  Imported model(nested);
  EXPECT_TRUE(model.find<dec::WeightOp>("decoder.layers.0.linear1.weight"));
  EXPECT_EQ(model.all<dec::NormOp>("decode").size(), 4u);
}

TEST(Import, OptionsSetTheLimits) {
  ImportOptions options;
  options.maxBatch = 3;
  options.maxContext = 17;
  options.name = "g2p";
  Imported bart(TestModel(kBundled), options);
  EXPECT_EQ(bart.model.getMaxBatch(), 3);
  EXPECT_EQ(bart.model.getMaxContext(), 17);
  EXPECT_EQ(bart.model.getSymName(), "g2p");
}

TEST(Import, AContextBeyondThePositionsIsRefused) {
  MLIRContext context;
  ImportOptions options;
  options.maxContext = 65;
  Failure found = failure(TestModel(kBundled).import(context, options));
  EXPECT_EQ(found.code, ExitCode::Resource);
  EXPECT_NE(found.message.find("65"), std::string::npos);
  EXPECT_NE(found.message.find("64 positions"), std::string::npos);
  options.maxContext = 0;
  EXPECT_EQ(failure(TestModel(kBundled).import(context, options)).code, ExitCode::Usage);
}

TEST(Import, CharacterTablesBecomeText) {
  MLIRContext context;
  TestModel source(kBundled);
  CharacterTables tables;
  tables.chars = {{'a', 4}, {0x259, 5}};
  tables.prefix = {1}, tables.suffix = {2}, tables.specials = {0, 1, 2};
  tables.pieces = {"", "", "", "?", "a", "\xc9\x99"};
  tables.unknownId = 3;
  WeightSet weights = source.weights();
  auto module = value(importModel(context, source.config, weights, tables));
  auto text = *dec::findModel(*module).getBody().getOps<dec::TextOp>().begin();
  EXPECT_EQ(text.getCharacters(), ArrayRef<int32_t>({'a', 0x259}));
  EXPECT_EQ(text.getUnknown(), 3);
  EXPECT_EQ(text.getPieces().size(), 6u);
}

} // namespace
