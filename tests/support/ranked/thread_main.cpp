#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "support/ranked/bodies.hpp"

using namespace isobath;

int main(int argc, char** argv) {
  for (const test::Body& body : test::bodies()) {
    test::add_test(body, "_on_itself", [&body] {
      SelfCommunicator self;
      body.run(self);
    });
    for (const int count : {1, 2, 3, 4})
      for (const CallCheck check : {CallCheck::Off, CallCheck::On})
        test::add_test(body, text("_on_", count, "_threads", check == CallCheck::On ? "_checked" : ""),
                       [&body, count, check] {
                         run_ranks({count, check}, body.run);
                       });
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
