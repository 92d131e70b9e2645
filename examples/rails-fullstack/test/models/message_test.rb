require "test_helper"

class MessageTest < ActiveSupport::TestCase
  test "an author and a body are needed, and blanks do not count" do
    message = Message.new(author: "  ", body: "")
    assert_not message.valid?
    assert_equal %i[author body], message.errors.attribute_names
  end

  test "what is too long is refused" do
    assert_not Message.new(author: "a" * 61, body: "hello").valid?
    assert_not Message.new(author: "ada", body: "a" * 1001).valid?
    assert Message.new(author: "a" * 60, body: "a" * 1000).valid?
  end

  test "the newest comes first" do
    first, second = %w[one two].map { |body| Message.create!(author: "ada", body: body) }
    assert_equal [second, first], Message.newest_first.to_a
  end
end
