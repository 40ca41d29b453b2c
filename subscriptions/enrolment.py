"""The residents' service as the hub sees it: one object, whose parts each do one thing.

The way of a subscription: subscribe (pending) → confirm (active) → change, unsubscribe, end. `sign_up`, `confirmation`, `management` and
`opting_out` hold the rules; `desk` is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from subscriptions.addresses import AddressBook, Parser
from subscriptions.answering import Answering
from subscriptions.areas import AreaCatalog
from subscriptions.confirmation import Confirmation
from subscriptions.desk import AudienceHook, Desk
from subscriptions.geocoding import Geocoder
from subscriptions.limits import Limits
from subscriptions.links import LinkPurpose, Links
from subscriptions.management import Management, Messages
from subscriptions.opting_out import FindMatched, Matched, OptingOut, Tried
from subscriptions.own_address import OwnAddress
from subscriptions.post import Post
from subscriptions.renewal import Renewal, RenewalRequest
from subscriptions.sign_up import SignUp
from subscriptions.store.contract import Transactions
from subscriptions.subscriber import SubscriptionChange, SubscriptionRequest
from subscriptions.vault import Keyring
from subscriptions.views import Confirmed, Export, ExportedMessage, PendingView, Subscribed, SubscriptionView, WhyView


async def _cannot_tell(_subscriber: int, _mailing: int) -> Matched:
    return Matched()


async def _none_sent(_addresses: Sequence[int]) -> Sequence[ExportedMessage]:
    return ()


class Enrolment:
    """Everything that residents can ask for. Every method is one transaction; errors are those of `subscriptions.errors`."""

    def __init__(
        self,
        transactions: Transactions,
        *,
        keyring: Keyring,
        links: Links,
        catalog: AreaCatalog,
        audience: AudienceHook,
        post: Post,
        clock: Callable[[], float],
        parsers: Mapping[str, Parser],
        available: Callable[[], frozenset[str]],
        limits: bool,
        sms_countries: Iterable[str],
        bot_name: Callable[[], str | None],
        find_matched: FindMatched = _cannot_tell,
        messages: Messages = _none_sent,
        geocoder: Geocoder | None = None,
    ) -> None:
        desk = Desk(
            transactions=transactions,
            links=links,
            catalog=catalog,
            addresses=AddressBook(keyring, parsers, available, frozenset(sms_countries), bot_name),
            limits=Limits(keyring, enabled=limits),
            post=post,
            audience_changed=audience,
            clock=clock,
            geocoder=geocoder,
        )
        self._desk = desk
        self._addresses = desk.addresses
        self._sign_up = SignUp(desk)
        self._confirmation = Confirmation(desk)
        self._management = Management(desk, messages)
        self.own_address = OwnAddress(desk, self._management, self._confirmation)
        """For whoever writes from their address: by SMS, in a chat."""
        self.answering = Answering(desk)
        """What goes back to them."""
        self._opting_out = OptingOut(desk, find_matched)
        self._renewal = Renewal(desk)

    def offered(self) -> frozenset[str]:
        """The channels that a person can sign up for now."""
        channels = self._addresses.available()
        return channels if self._addresses.bot_name() else channels - {"telegram"}

    async def subscribe(self, request: SubscriptionRequest, *, client: str, source: str) -> Subscribed:
        """Keep a pending sign-up and ask its addresses. `client` is only counted, by its hash; `source` goes into the receipts.

        Raises InvalidSubscription, TooManyRequests.
        """
        return await self._sign_up.subscribe(request, client=client, source=source)

    async def look_at_confirmation(self, token: str) -> PendingView:
        """What a confirmation link would confirm; changes nothing. Raises LinkInvalid, LinkExpired."""
        return await self._confirmation.look(token)

    async def confirm(self, token: str, *, alone: bool = False) -> Confirmed:
        """Confirm an address; with `alone` into a subscription of its own, although the sign-up names others.

        A repeat answers alike, without a manage token. Raises LinkInvalid, LinkExpired.
        """
        return await self._confirmation.confirm(token, alone=alone)

    async def attach_telegram(self, start_token: str, chat: str) -> bool:
        """Confirm a Telegram sign-up by its deep link. False for a link that is not ours, is too old, or was used by another chat."""
        return await self._confirmation.attach_telegram(start_token, chat)

    async def renew(self, request: RenewalRequest, *, client: str, source: str) -> None:
        """A browser's push address was exchanged; the same silence whether it was known. Raises InvalidSubscription, TooManyRequests."""
        await self._renewal.renew(request, client=client, source=source)

    async def view(self, manage: str) -> SubscriptionView:
        """The whole subscription. Raises LinkInvalid, LinkExpired."""
        return await self._management.view(manage)

    async def change(self, manage: str, change: SubscriptionChange, *, source: str) -> SubscriptionView:
        """Change what is named. Raises InvalidSubscription, LinkInvalid, LinkExpired, TooManyRequests."""
        return await self._management.change(manage, change, source=source)

    async def export(self, manage: str) -> Export:
        """All that is kept of a subscription. Raises LinkInvalid, LinkExpired."""
        return await self._management.export(manage)

    async def send_test(self, manage: str) -> tuple[str, ...]:
        """Send a message that is marked as a test to every confirmed address; returns their channels. Raises as `change`."""
        return await self._management.send_test(manage)

    def locates_addresses(self) -> bool:
        """Whether a place may be a street address."""
        return self._desk.geocoder is not None

    async def resume(self) -> None:
        """End the pauses that are over. To be called every minute or so."""
        await self._opting_out.resume()

    async def end(self, manage: str, *, source: str) -> None:
        """Delete the subscription and all that is in it. Raises LinkInvalid, LinkExpired."""
        await self._management.end(manage, source=source)

    async def request_access(self, address: str, *, client: str) -> None:
        """Send a one-use link to a confirmed address; the same silence for every other text. Raises TooManyRequests."""
        await self._management.request_access(address, client=client)

    async def look_at_access(self, one_use: str) -> None:
        """Whether a one-use link still works; changes nothing, for a GET. Raises LinkInvalid, LinkExpired."""
        await self._management.look_at_access(one_use)

    async def link_language(self, purpose: LinkPurpose, token: str) -> str | None:
        """The language in which the holder of an authentic link gets letters, None for any other link; changes nothing."""
        return await self._management.link_language(purpose, token)

    def is_address(self, text: str) -> bool:
        """Whether a text can be an address of this hub at all; says nothing of whether anyone has it."""
        return self._addresses.find(text) is not None

    async def redeem(self, one_use: str) -> str:
        """Use up a one-use link, for a POST; returns a manage token of 30 days. Raises LinkInvalid, LinkExpired."""
        return await self._management.redeem(one_use)

    async def unsubscribe(self, token: str) -> None:
        """End the address that a message went to, and the subscription with its last one; repeatable. Raises LinkInvalid, LinkExpired."""
        await self._opting_out.unsubscribe(token)

    async def end_address(self, channel: str, canonical: str, *, source: str) -> bool:
        """As `unsubscribe`, for who said so on the channel itself. False when there was no such address."""
        return await self._opting_out.end_address(channel, canonical, source)

    async def close_tried(self, tried: Sequence[Tried]) -> None:
        """The transport said that these are gone. Who has another one since keeps it and is sent what is live."""
        await self._opting_out.close_tried(tried)

    async def why(self, token: str) -> WhyView:
        """Why a message came, without an address, a label or coordinates. Raises LinkInvalid, LinkExpired."""
        return await self._opting_out.why(token)

    async def purge(self, now: float) -> None:
        """Forget unconfirmed sign-ups after seven days, and tokens and limits that are over. To be called every hour or so."""
        await self._opting_out.purge(int(now * 1000))
