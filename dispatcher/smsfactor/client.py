from dispatcher.smsfactor.account import Account
from dispatcher.smsfactor.lists import Lists
from dispatcher.smsfactor.live import Live
from dispatcher.smsfactor.sending import Sending


class SmsFactor(Sending, Lists, Account, Live):
    """The whole SMSFactor API for one account. Threads may share an instance.

    Every method raises only errors of the `ApiError` tree, or `InputError` before anything goes
    out; see `Caller` for what it is made from.
    """
