class MessagesController < ApplicationController
  PAGE = 50

  def index
    @message = Message.new
    @messages = Message.newest_first.limit(PAGE)
  end

  def create
    @message = Message.new(params.require(:message).permit(:author, :body))
    if @message.save
      redirect_to root_path, notice: "Thank you, #{@message.author}."
    else
      @messages = Message.newest_first.limit(PAGE)
      render :index, status: :unprocessable_entity
    end
  end
end
