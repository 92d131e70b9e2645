require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "an empty book says so" do
    get root_path
    assert_response :success
    assert_select "p", "Nobody has signed yet."
  end

  test "signing shows the message on the page" do
    post messages_path, params: { message: { author: "Ada", body: "Hello" } }
    assert_redirected_to root_path
    follow_redirect!
    assert_select "[role=status]", "Thank you, Ada."
    assert_select "article footer", /\AAda, .* ago\z/
  end

  test "a message without a body comes back with the reason" do
    post messages_path, params: { message: { author: "Ada", body: " " } }
    assert_response :unprocessable_entity
    assert_select ".errors li", "Body can't be blank"
    assert_select "input[name='message[author]'][value=Ada]"
  end

  test "markup in a message stays text" do
    Message.create!(author: "<b>Eve</b>", body: "<script>alert(1)</script>")
    get root_path
    assert_select "article script", false
    assert_select "article b", false
  end
end
