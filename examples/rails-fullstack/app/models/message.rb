class Message < ApplicationRecord
  normalizes :author, :body, with: ->(text) { text.strip }

  validates :author, presence: true, length: { maximum: 60 }
  validates :body, presence: true, length: { maximum: 1000 }

  scope :newest_first, -> { order(id: :desc) }
end
